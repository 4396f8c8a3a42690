package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// identity says who this is, as the downward API has it.
func identity(rest ...any) pairs {
	who := pairs{"name", settings.text("name"), "version", settings.text("version")}
	for _, key := range []string{"POD_NAME", "POD_NAMESPACE", "POD_IP", "NODE_NAME", "JOB_COMPLETION_INDEX"} {
		if value, there := os.LookupEnv(key); there {
			who = append(who, strings.ToLower(key), value)
		}
	}
	return append(who, rest...)
}

// serve runs until a signal or a setting ends it.
func serve(job bool) error {
	note(now(), "start", identity("pid", os.Getpid(), "uid", os.Getuid())...)
	if job && settings.text("exit.after") == "never" {
		settings.all["exit.after"].value = "0s"
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true) // gRPC's
	server := &http.Server{Handler: http.HandlerFunc(route), Protocols: protocols, ReadHeaderTimeout: time.Minute}
	obeySignals(server)
	for _, act := range []func() time.Duration{exitInTime, holdMemory, fillDisk, refresh} {
		go settings.follow(act)
	}
	if job {
		select {}
	}
	pause(context.Background(), settings.left("listen.after"))
	for _, kind := range kinds {
		if settings.text(kind+".tcp") != "off" {
			go tcpProbe(kind)
		}
	}
	listener, err := net.Listen("tcp", settings.text("http"))
	if err != nil {
		return failed(err)
	}
	note(now(), "listen", "address", listener.Addr().String())
	if err := server.Serve(&cold{Listener: listener}); !errors.Is(err, http.ErrServerClosed) {
		return failed(err)
	}
	select {} // terminate exits
}

// cold hangs up on all who come before it is warm; what it needs it begins to load for the first of them.
type cold struct {
	net.Listener
	begun time.Time
}

// Accept is called by one goroutine, the server's.
func (c *cold) Accept() (net.Conn, error) {
	for {
		connection, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c.begun.IsZero() {
			c.begun = time.Now()
			note(now(), "first", "from", connection.RemoteAddr().String())
		}
		if time.Since(c.begun) >= settings.span("warm.up") {
			return connection, nil
		}
		_ = connection.Close()
	}
}

// route answers what is the probe's own, and takes the rest for plain requests.
func route(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Probe-Name", settings.text("name"))
	w.Header().Set("Probe-Version", settings.text("version"))
	if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		grpcHealth(w, r)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	hook, isHook := strings.CutPrefix(name, "hook/")
	act, isAction := actions[name]
	switch {
	case listed(kinds, name):
		httpProbe(w, r, name)
	case settings.text("registry") == "on" && strings.HasPrefix(name, "v2/"):
		pull(w, r)
	case name == "set" && r.Method != http.MethodPost:
		reply(w, http.StatusMethodNotAllowed, pairs{"error", "use POST"})
	case name == "settings":
		reply(w, http.StatusOK, settings.list())
	case name == "counts":
		reply(w, http.StatusOK, count.report())
	case name != "set" && !isHook && !isAction:
		plain(w, r)
	case r.ParseForm() != nil:
		reply(w, http.StatusBadRequest, pairs{"error", "the form or the query can't be read"})
	case name == "set":
		result(w, settings.change(r.Form))
	case isHook:
		r.Form.Set("name", hook)
		result(w, runHook(r.Context(), &options{Values: r.Form}, "http"))
	default:
		stream(w, r, act)
	}
}

// plain answers a request as an application would, with who answered and what was asked.
func plain(w http.ResponseWriter, r *http.Request) {
	at, ready := now(), isOK(verdictOf("readiness"))
	count.fly(1)
	defer count.fly(-1)
	given := &options{Values: r.URL.Query()}
	wait := given.span("sleep", settings.text("latency"))
	if given.wrong != nil {
		result(w, given.wrong)
		return
	}
	code := 0
	if pause(r.Context(), wait) {
		code, _ = strconv.Atoi(settings.text("status"))
		w.Header().Set("Probe-Ready", strconv.FormatBool(ready))
		reply(w, code, identity("ready", ready, "from", r.RemoteAddr, "method", r.Method, "host", r.Host, "path", r.URL.Path,
			"query", r.URL.RawQuery, "headers", r.Header))
	}
	count.add(fmt.Sprintf("request %s %d", r.URL.Path, code))
	if settings.text("log.requests") == "on" {
		note(at, "request", "method", r.Method, "host", r.Host, "path", r.URL.Path, "status", code, "ready", ready,
			"took_ns", at.took(), "from", r.RemoteAddr, "agent", r.UserAgent())
	}
}

// reply sends JSON with any status: those below 200 by hand, because net/http takes them for the prelude of an answer.
func reply(w http.ResponseWriter, status int, body any) {
	text, _ := json.Marshal(body)
	w.Header().Set("Content-Type", "application/json")
	if status >= 200 {
		w.WriteHeader(status)
		_, _ = w.Write(append(text, '\n'))
	} else if connection, buffer, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = fmt.Fprintf(buffer, "HTTP/1.1 %d Odd\r\nConnection: close\r\n\r\n", status)
		_ = buffer.Flush()
		_ = connection.Close()
	} else {
		w.WriteHeader(http.StatusNotImplemented)
	}
}

// result answers with an error's text, or without one.
func result(w http.ResponseWriter, err error) {
	known := failure{}
	switch {
	case err == nil:
		reply(w, http.StatusOK, pairs{"done", true})
	case errors.As(err, &known):
		reply(w, http.StatusInternalServerError, pairs{"error", err.Error()})
	default:
		reply(w, http.StatusBadRequest, pairs{"error", err.Error()})
	}
}

// stream runs an action and sends its lines as they come; what an action is to leave in the log goes there, too.
func stream(w http.ResponseWriter, r *http.Request, act action) {
	begun := false
	err := act.run(r.Context(), &options{Values: r.Form}, func(line pairs) {
		begun = true
		text, _ := json.Marshal(line)
		_, _ = w.Write(append(text, '\n'))
		_ = http.NewResponseController(w).Flush()
		if act.logged {
			write(line)
		}
	})
	if err != nil && !begun {
		result(w, err)
	}
}
