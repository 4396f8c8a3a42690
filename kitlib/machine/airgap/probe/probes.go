package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// verdictOf returns how a probe of a kind is answered now, as an HTTP status.
func verdictOf(kind string) int {
	text := settings.text(kind)
	switch {
	case text == "fail", settings.left(kind+".after") > 0, settings.left(kind+".until") <= 0:
		return http.StatusServiceUnavailable
	case text == "ok":
		return http.StatusOK
	}
	number, _ := strconv.Atoi(text)
	return number
}

func isOK(status int) bool { return status >= 200 && status < 400 }

// answerProbe waits as long as it is told, then returns the verdict; 0 if nobody waits for it any more.
func answerProbe(ctx context.Context, kind, handler, asker string) int {
	at, status := now(), 0
	if pause(ctx, settings.span(kind+".slow")) {
		status = verdictOf(kind)
	}
	noteProbe(at, kind, handler, status, asker)
	return status
}

func noteProbe(at stamp, kind, handler string, status int, asker string) {
	count.add(fmt.Sprintf("probe %s %s %d", kind, handler, status))
	note(at, "probe", "probe", kind, "handler", handler, "status", status, "took_ns", at.took(), "from", asker)
}

// pause waits for a time; it says whether the time has passed, rather than that nobody waits any more.
func pause(ctx context.Context, wait time.Duration) bool {
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

// httpProbe answers a probe by HTTP: the kubelet's, or that of `probe check`, which is an exec probe.
func httpProbe(w http.ResponseWriter, r *http.Request, kind string) {
	handler := "http"
	if r.Header.Get("Probe-Handler") == "exec" {
		handler = "exec"
	}
	if status := answerProbe(r.Context(), kind, handler, r.UserAgent()); status != 0 {
		reply(w, status, pairs{"probe", kind, "status", status})
	}
}

// checkHere is an exec probe: it asks the server in this container, or looks for a file.
func checkHere(given *options) error {
	given.known("kind", "file")
	kind, file := given.Get("kind"), given.text("file", "", path)
	switch {
	case given.wrong != nil:
		return given.wrong
	case file != "" && kind == "":
		_, err := os.Stat(file)
		return failed(err)
	case file != "" || !listed(kinds, kind):
		return errors.New("use startup, readiness, liveness, or --file PATH")
	}
	status, _, err := ask(http.MethodGet, "/"+kind, "exec")
	if err == nil && !isOK(status) {
		err = failure{1, fmt.Sprintf("%s is %d", kind, status)}
	}
	return err
}

// tcpProbe keeps a kind's port open while its probe is ok.
func tcpProbe(kind string) {
	var open net.Listener
	settings.follow(func() time.Duration {
		switch ok := isOK(verdictOf(kind)); {
		case ok && open == nil:
			listener, err := net.Listen("tcp", settings.text(kind+".tcp"))
			if err != nil {
				end(1, err.Error())
			}
			open = listener
			note(now(), "port", "probe", kind, "open", true)
			go acceptProbes(kind, listener)
		case !ok && open != nil:
			_ = open.Close()
			open = nil
			note(now(), "port", "probe", kind, "open", false)
		}
		next := forever
		for _, name := range []string{kind + ".after", kind + ".until"} {
			if left := settings.left(name); left > 0 {
				next = min(next, left)
			}
		}
		return next
	})
}

func acceptProbes(kind string, listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		_ = connection.Close()
		noteProbe(now(), kind, "tcp", http.StatusOK, connection.RemoteAddr().String())
	}
}
