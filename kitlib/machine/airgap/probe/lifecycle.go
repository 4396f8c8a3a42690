package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// end exits, and says why.
func end(code int, why string) {
	note(now(), "exit", "code", code, "why", why, "in_flight", count.fly(0))
	os.Exit(code)
}

// obeySignals returns once signals are caught. Each is logged; SIGTERM and SIGINT are acted upon as the setting "term" says.
func obeySignals(server *http.Server) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		ending := false
		for got := range signals {
			term := settings.text("term")
			note(now(), "signal", "signal", got.(syscall.Signal), "name", got.String(), "term", term)
			if (got == syscall.SIGTERM || got == syscall.SIGINT) && term != "ignore" && !ending {
				ending = true
				go terminate(server, term == "drain")
			}
		}
	}()
}

func terminate(server *http.Server, drain bool) {
	pause(context.Background(), settings.span("term.wait"))
	code, _ := strconv.Atoi(settings.text("term.code"))
	if !drain {
		end(code, "SIGTERM")
	}
	note(now(), "drain", "in_flight", count.fly(0))
	patience, stop := context.WithTimeout(context.Background(), settings.span("term.drain"))
	defer stop()
	if server.Shutdown(patience) != nil {
		end(code, "SIGTERM; requests are cut off")
	}
	end(code, "SIGTERM; all requests are answered")
}

// exitInTime exits when exit.after has passed.
func exitInTime() time.Duration {
	left := settings.left("exit.after")
	if left <= 0 {
		codes := strings.Split(settings.text("exit.code"), ",")
		index, _ := strconv.Atoi(os.Getenv("JOB_COMPLETION_INDEX"))
		code, _ := strconv.Atoi(codes[max(0, min(index, len(codes)-1))])
		end(code, "exit.after")
	}
	return left
}

var (
	signals    = map[string]syscall.Signal{"HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2}
	signalName = formOf("HUP|USR1|USR2", "HUP, USR1 or USR2")
)

// sendSignal sends a signal to the process whose number stands in a file: a server of the same Pod, where the Pod's
// containers share their processes.
func sendSignal(_ context.Context, given *options, say func(pairs)) error {
	given.known("name", "file")
	name, file := given.text("name", "HUP", signalName), given.Get("file")
	if given.wrong == nil {
		given.wrong = path.check("file", file)
	}
	if given.wrong != nil {
		return given.wrong
	}
	text, err := os.ReadFile(file)
	pid, cause := strconv.Atoi(strings.TrimSpace(string(text)))
	switch {
	case err != nil:
		return failed(err)
	case cause != nil || pid < 1:
		return failed(errors.New("no process' number stands in " + file))
	}
	at := now()
	if err := syscall.Kill(pid, signals[name]); err != nil {
		return failed(fmt.Errorf("process %d: %w", pid, err))
	}
	say(at.line("event", "sent", "signal", name, "pid", pid))
	return nil
}

// execHook is an exec hook: it logs where the container's first process does, or to a file.
func execHook(given *options) error {
	awaitFirst()
	target, err := os.OpenFile(given.text("log", "/proc/1/fd/1", path), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err == nil {
		output.Writer = target
	} else if given.Has("log") {
		return failed(err)
	}
	return runHook(context.Background(), given, "exec")
}

// awaitFirst returns when the container's first process has begun. Until then it is runc's own init, whose files nobody
// may open; on a busy machine a hook can be that early.
func awaitFirst() {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if name, _ := os.ReadFile("/proc/1/comm"); !bytes.HasPrefix(name, []byte("runc:")) {
			return
		}
	}
}

// runHook waits and fails as it is told.
func runHook(ctx context.Context, given *options, handler string) error {
	given.known("name", "sleep", "fail", "log")
	begin, wait := now(), given.span("sleep", "0s")
	exit, _ := strconv.Atoi(given.text("fail", "0", code))
	if given.wrong != nil {
		return given.wrong
	}
	name := given.Get("name")
	note(begin, "hook", "hook", name, "handler", handler, "phase", "begin")
	whole := pause(ctx, wait)
	note(now(), "hook", "hook", name, "handler", handler, "phase", "end", "code", exit, "whole", whole, "took_ns", begin.took())
	if exit != 0 {
		return failure{exit, fmt.Sprintf("hook %s fails, as it was told", name)}
	}
	return nil
}
