package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ask sends requests at a rate whose times don't wait for answers, and tells of each what came of it and who answered.
// As long as nobody has ever answered it tells only what is new, so that it can be there before whom it asks.
func ask(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("ask", flag.ContinueOnError)
	url := flags.String("url", "", "that is asked")
	every := flags.Duration("every", 100*time.Millisecond, "between two requests")
	timeout := flags.Duration("timeout", time.Second, "after which nobody has answered")
	keep := flags.Bool("keep", false, "ask over one connection as long as it stands, one after the other")
	authority := flags.String("ca", "", "a file with the certificate of who vouches for the server")
	name := flags.String("server-name", "", "that the server's certificate must be for")
	if err := parse(flags, args, "url"); err != nil {
		return err
	}
	secure := &tls.Config{ServerName: *name}
	if *authority != "" {
		text, err := os.ReadFile(*authority)
		if err != nil {
			return err
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(text) {
			return errors.New("no certificate in " + *authority)
		}
	}
	asker := &asker{url: *url, timeout: *timeout, client: &http.Client{
		Transport: &http.Transport{DisableKeepAlives: !*keep, TLSClientConfig: secure, MaxIdleConns: 1},
	}}
	var crew sync.WaitGroup
	defer crew.Wait()
	begin := time.Now()
	for i := 0; ; i++ {
		due := begin.Add(time.Duration(i) * *every)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(due)):
		}
		if *keep {
			asker.once(ctx, due)
			continue
		}
		crew.Go(func() { asker.once(ctx, due) })
	}
}

type asker struct {
	sync.Mutex
	url      string
	timeout  time.Duration
	client   *http.Client
	answered bool
	last     string
}

// An outcome is what became of one request.
type outcome struct {
	status int
	who    string
	reused bool
	wrong  string
}

// once asks, and tells. Times are those of the frame `traffic`: how late it was sent, and how long it took.
func (a *asker) once(ctx context.Context, due time.Time) {
	at, late := now(), time.Since(due)
	got := a.send(ctx)
	took := now().mono - at.mono
	if ctx.Err() != nil {
		return
	}
	a.Lock()
	defer a.Unlock()
	a.answered = a.answered || got.wrong == ""
	if !a.answered && got.wrong == a.last {
		return
	}
	a.last = got.wrong
	at.note("asked", "late_ns", max(late.Nanoseconds(), 0), "took_ns", took, "status", got.status, "who", got.who,
		"reused", got.reused, "error", got.wrong)
}

func (a *asker) send(ctx context.Context) (got outcome) {
	ctx, stop := context.WithTimeout(ctx, a.timeout)
	defer stop()
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { got.reused = info.Reused }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, a.url, nil)
	if err != nil {
		return outcome{wrong: err.Error()}
	}
	answer, err := a.client.Do(request)
	if err != nil {
		got.wrong = short(err)
		return got
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		got.wrong = short(err)
		return got
	}
	got.status, got.who = answer.StatusCode, answer.Header.Get("Probe-Name")
	if answer.TLS != nil && len(answer.TLS.PeerCertificates) > 0 {
		got.who = node(answer.TLS.PeerCertificates[0].DNSNames, a.client.Transport.(*http.Transport).TLSClientConfig.ServerName)
	}
	return got
}

// node returns the name of the node whose API server has a certificate: the one name that the others don't share.
func node(names []string, shared string) string {
	for _, name := range names {
		if name != shared && name != "localhost" && !strings.HasPrefix(name, "kubernetes") {
			return name
		}
	}
	return ""
}

// short says in a word or two why nobody answered.
func short(err error) string {
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.As(err, &certificate):
		return certificate.Err.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no way there"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "hung up"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return err.Error()
}
