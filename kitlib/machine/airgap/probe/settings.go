package main

import (
	"fmt"
	"math"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A form is what a setting's or an option's text must look like.
type form struct {
	pattern *regexp.Regexp
	hint    string
}

func formOf(pattern, hint string) form {
	return form{regexp.MustCompile(`^(?:` + pattern + `)$`), hint}
}

const (
	aCode   = `25[0-5]|2[0-4]\d|1?\d?\d`
	aStatus = `[1-5]\d\d`
	anHost  = `\S*:\d{1,5}`
	forever = time.Duration(math.MaxInt64) // what "never" means as a time
)

var (
	anything = formOf(`(?s).*`, "any text")
	onOff    = formOf(`on|off`, "on or off")
	span     = formOf(`never|0|(\d{1,6}(\.\d{1,9})?(ms|s|m|h))+`, "a time such as 500ms, 2s, 1m or never")
	size     = formOf(`\d{1,9}([kMG]i?)?`, "a size such as 4096, 64Mi or 1Gi")
	number   = formOf(`[1-9]\d{0,5}`, "a number from 1 on")
	code     = formOf(aCode, "an exit code, 0 to 255")
	codes    = formOf(`(`+aCode+`)(,(`+aCode+`))*`, "an exit code, or one for each index with commas between")
	status   = formOf(aStatus, "an HTTP status, 100 to 599")
	verdict  = formOf(`ok|fail|`+aStatus, "ok, fail, or an HTTP status, 100 to 599")
	host     = formOf(anHost, "an address such as :8080 or 127.0.0.1:8080")
	hostOff  = formOf(`off|`+anHost, "an address such as :8080 or 127.0.0.1:8080, or off")
	path     = formOf(`/.*`, "a whole path, from / on")
	pathOff  = formOf(`off|/.*`, "a whole path, from / on, or off")
	term     = formOf(`exit|drain|ignore`, "exit, drain or ignore")
)

func (f form) check(name, text string) error {
	if !f.pattern.MatchString(text) {
		return fmt.Errorf("%s=%q: use %s", name, text, f.hint)
	}
	return nil
}

// A setting has a value of its form, and the moment from which its times count: the start, or its last change.
type setting struct {
	name, value string
	form        form
	fixed       bool // it can't change after the start
	help        string
	since       time.Time
}

type store struct {
	sync.RWMutex
	order   []*setting
	all     map[string]*setting
	changed chan struct{} // closed, and made anew, whenever a setting changes
}

var (
	settings = newStore()
	kinds    = []string{"startup", "readiness", "liveness"}
)

func newStore() *store {
	name, _ := os.Hostname()
	s := &store{all: map[string]*setting{}, changed: make(chan struct{})}
	add := func(name, value string, form form, help string) *setting {
		s.all[name] = &setting{name, value, form, false, help, time.Now()}
		s.order = append(s.order, s.all[name])
		return s.all[name]
	}
	add("name", name, anything, "who answers")
	add("version", "v1", anything, "its version")
	add("http", ":8080", host, "where HTTP and gRPC are served").fixed = true
	add("listen.after", "0s", span, "time before any port opens").fixed = true
	add("warm.up", "0s", span, "time from the first connection on in which it hangs up on all").fixed = true
	add("status", "200", status, "the status of plain answers")
	add("latency", "0s", span, "time before a plain answer")
	add("log.requests", "on", onOff, "whether each plain request is logged")
	for _, kind := range kinds {
		add(kind, "ok", verdict, "the "+kind+" probe's answer: ok, fail or an HTTP status")
		add(kind+".after", "0s", span, "time before it can be ok")
		add(kind+".until", "never", span, "time after which it fails")
		add(kind+".slow", "0s", span, "time before it answers (not by TCP)")
		add(kind+".tcp", "off", hostOff, "a port that is open while it is ok").fixed = true
	}
	add("registry", "off", onOff, "whether it is a registry, too, of one image: this program")
	add("registry.rate", "0", size, "how much of that image it sends each second (0: at once)")
	add("term", "exit", term, "on SIGTERM: exit, drain (answer what is asked first) or ignore")
	add("term.wait", "0s", span, "time to go on as before after SIGTERM")
	add("term.drain", "10s", span, "the most time that requests in flight are given")
	add("term.code", "143", code, "exit code after SIGTERM")
	add("exit.after", "never", span, "time after which it exits by itself (a job: at once)")
	add("exit.code", "0", codes, "exit code then; several: one for each completion index, the last for all others")
	add("memory", "0", size, "memory to hold")
	add("memory.rate", "0", size, "how much more each second (0: at once)")
	add("disk", "0", size, "size of a file to write")
	add("disk.rate", "0", size, "how much more each second (0: at once)")
	add("disk.path", "/probe.disk", path, "where")
	add("refresh", "off", pathOff, "a file to write anew again and again, as a sidecar does")
	add("refresh.every", "1s", span, "how often")
	return s
}

// variable returns the name of a setting in the environment.
func variable(name string) string {
	return "PROBE_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}

// fromEnvironment takes PROBE_…; those that Kubernetes makes for a Service named probe… are none of ours.
func (s *store) fromEnvironment(environment []string) error {
	names := map[string]*setting{}
	for _, each := range s.order {
		names[variable(each.name)] = each
	}
	for _, entry := range environment {
		key, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(key, "PROBE_") || strings.Contains(key, "_PORT") || strings.Contains(key, "_SERVICE_HOST") {
			continue
		}
		known := names[key]
		if known == nil {
			return fmt.Errorf("%s: there is no such setting (see: probe settings)", key)
		}
		if err := known.form.check(key, value); err != nil {
			return err
		}
		known.value = value
	}
	return nil
}

// change sets all of these or none.
func (s *store) change(values url.Values) error {
	s.Lock()
	defer s.Unlock()
	for name := range values {
		known := s.all[name]
		if known == nil {
			return fmt.Errorf("%s: there is no such setting (see: probe settings)", name)
		}
		if known.fixed {
			return fmt.Errorf("%s: it can be set at the start only, by %s", name, variable(name))
		}
		if err := known.form.check(name, values.Get(name)); err != nil {
			return err
		}
	}
	for name := range values {
		s.all[name].value, s.all[name].since = values.Get(name), time.Now()
		note(now(), "set", "name", name, "value", values.Get(name))
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

func (s *store) list() (all []pairs) {
	for _, each := range s.order {
		line := pairs{"name", each.name, "variable", variable(each.name), "value", s.text(each.name)}
		all = append(all, append(line, "changes", !each.fixed, "help", each.help, "form", each.form.hint))
	}
	return all
}

func (s *store) text(name string) string {
	s.RLock()
	defer s.RUnlock()
	return s.all[name].value
}

func (s *store) span(name string) time.Duration { return parseSpan(s.text(name)) }
func (s *store) size(name string) int64         { return parseSize(s.text(name)) }

// left returns how much of a time is left, counted from when it was set; 0 or less when it has passed.
func (s *store) left(name string) time.Duration {
	value := s.span(name)
	s.RLock()
	defer s.RUnlock()
	if value == forever {
		return forever
	}
	return value - time.Since(s.all[name].since)
}

// follow calls act now, whenever a setting changes, and after the time that it returns.
func (s *store) follow(act func() time.Duration) {
	for {
		s.RLock()
		changed := s.changed
		s.RUnlock()
		select {
		case <-changed:
		case <-time.After(act()):
		}
	}
}

func parseSpan(text string) time.Duration {
	if text == "never" {
		return forever
	}
	value, _ := time.ParseDuration(text)
	return value
}

func parseSize(text string) int64 {
	digits := strings.TrimRight(text, "kMGi")
	units := map[string]int64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
	value, _ := strconv.ParseInt(digits, 10, 64)
	return value * units[text[len(digits):]]
}

// options are what a command or a request was given; the first that is wrong is kept.
type options struct {
	url.Values
	wrong error
}

func (o *options) text(key, value string, form form) string {
	if o.Has(key) {
		value = o.Get(key)
		if err := form.check(key, value); err != nil && o.wrong == nil {
			o.wrong = err
		}
	}
	return value
}

func (o *options) span(key, value string) time.Duration { return parseSpan(o.text(key, value, span)) }

func (o *options) number(key, value string) int {
	found, _ := strconv.Atoi(o.text(key, value, number))
	return found
}

// known refuses options of other names.
func (o *options) known(names ...string) {
	for key := range o.Values {
		if !listed(names, key) && o.wrong == nil {
			o.wrong = fmt.Errorf("there is no option %q: use %s", key, strings.Join(names, ", "))
		}
	}
}
