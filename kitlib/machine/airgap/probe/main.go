// probe acts out lessons about Kubernetes: a server whose probes fail, whose end is slow and whose appetite grows on
// command, a one-shot job, a client that counts its answers. It needs nothing but itself in its image.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

const usage = `probe [serve]           serve, as PROBE_… in the environment say
probe job               work until PROBE_EXIT_AFTER, then exit with PROBE_EXIT_CODE
probe check KIND        exec probe: startup, readiness or liveness, as this container's server answers it
probe check --file PATH exec probe: whether a file is there
probe hook NAME [--sleep 2s] [--fail 1] [--log PATH]  exec hook that writes to the container's log
probe set NAME=VALUE …  change settings of this container's server
probe settings          list the settings
probe self              what this process is and sees
probe try [WHAT …]      do what a security context may forbid
probe dns NAME [--type A,AAAA] [--search off] [--server HOST:PORT] [--timeout 1s] [--every 1s --for 1m]
probe file PATH [--write TEXT] [--append TEXT]
probe signal HUP --file PATH  tell a process whose number stands in a file
probe load URL [--rate 10] [--concurrency 1] [--for 10s] [--count 100] [--timeout 5s] [--header "Name: value"]
               [--keepalive on] [--lines off]`

// An action answers on the command line (--key value) and by HTTP (?key=value); it says its results line by line.
type action struct {
	first  string // the key of values without one
	run    func(ctx context.Context, given *options, say func(pairs)) error
	logged bool // whether what it answers by HTTP is logged, too
}

var actions = map[string]action{"self": {"", reportSelf, false}, "try": {"what", tryAll, false},
	"dns": {"name", lookUp, true}, "file": {"path", useFile, false}, "load": {"url", load, false},
	"signal": {"name", sendSignal, true}}

// A failure is one that was asked for, or that the world caused; any other error is a wrong call.
type failure struct {
	code int
	text string
}

func (f failure) Error() string { return f.text }

func failed(err error) error {
	if err == nil {
		return nil
	}
	return failure{1, err.Error()}
}

func listed(all []string, word string) bool { return slices.Contains(all, word) }

func main() {
	command, rest := "serve", []string{}
	if len(os.Args) > 1 {
		command, rest = os.Args[1], os.Args[2:]
	}
	if err := run(command, rest); err != nil {
		fmt.Fprintf(os.Stderr, "probe %s: %v\n", command, err)
		if known := (failure{}); errors.As(err, &known) {
			os.Exit(known.code)
		}
		os.Exit(2)
	}
}

func run(command string, words []string) error {
	if err := settings.fromEnvironment(os.Environ()); err != nil {
		return err
	}
	act, known := actions[command]
	first := map[string]string{"check": "kind", "hook": "name", "set": "set"}[command] + act.first
	given, err := arguments(words, first)
	if err != nil {
		return err
	}
	if known {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
		return act.run(ctx, given, write)
	}
	switch command {
	case "serve", "job":
		return serve(command == "job")
	case "check":
		return checkHere(given)
	case "hook":
		return execHook(given)
	case "set":
		return setHere(given.Values["set"])
	case "settings":
		for _, each := range settings.list() {
			write(each)
		}
	case "help", "--help", "-h":
		fmt.Println(usage)
	default:
		return fmt.Errorf("there is no such command; use:\n%s", usage)
	}
	return nil
}

// arguments turns "VALUE --key value" into options.
func arguments(words []string, first string) (*options, error) {
	given := &options{Values: url.Values{}}
	for i := 0; i < len(words); i++ {
		key, isKey := strings.CutPrefix(words[i], "--")
		switch {
		case !isKey && first != "":
			given.Add(first, words[i])
		case isKey && i+1 < len(words):
			i++
			given.Add(key, words[i])
		case isKey:
			return nil, fmt.Errorf("%s needs a value", words[i])
		default:
			return nil, fmt.Errorf("it takes no %q", words[i])
		}
	}
	return given, nil
}

// ask sends a request to the server in this container.
func ask(method, path, handler string) (int, string, error) {
	where := settings.text("http")
	if strings.HasPrefix(where, ":") {
		where = "127.0.0.1" + where
	}
	request, err := http.NewRequest(method, "http://"+where+path, nil)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Probe-Handler", handler)
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, "", failed(err)
	}
	defer answer.Body.Close()
	var said struct{ Error string }
	_ = json.NewDecoder(answer.Body).Decode(&said)
	return answer.StatusCode, said.Error, nil
}

func setHere(words []string) error {
	query := url.Values{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		query.Set(name, value)
	}
	status, said, err := ask(http.MethodPost, "/set?"+query.Encode(), "")
	if err == nil && status != http.StatusOK {
		err = errors.New(said)
	}
	return err
}
