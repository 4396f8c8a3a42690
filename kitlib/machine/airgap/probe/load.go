package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A plan says how to ask: at a rate whose times don't wait for answers, or without one as fast as answers come.
type plan struct {
	request            *http.Request
	client             *http.Client
	rate, askers, most int
	total              time.Duration
}

// An outcome is what became of one request.
type outcome struct {
	at                  stamp
	late, took          int64 // after the time at which it was due; from there to the answer's end
	status              int
	who, version, ready string
	reused              bool
	wrong               string
}

// load asks a target and tells each request's outcome, then their sum.
func load(ctx context.Context, given *options, say func(pairs)) error {
	todo, err := planOf(ctx, given)
	if err != nil {
		return err
	}
	defer todo.client.CloseIdleConnections()
	lock, all, crew, due := sync.Mutex{}, []outcome{}, sync.WaitGroup{}, make(chan time.Time)
	begin, lines := time.Now(), given.Get("lines") != "off"
	for range todo.askers {
		crew.Go(func() {
			for when := range due {
				got := todo.ask(when)
				lock.Lock()
				if all = append(all, got); lines {
					say(got.report())
				}
				lock.Unlock()
			}
		})
	}
	wanted := todo.schedule(ctx, begin, due)
	close(due)
	crew.Wait()
	say(summary(all, wanted, time.Since(begin)))
	return nil
}

// schedule hands out the times at which requests are due, and returns how many were.
func (p plan) schedule(ctx context.Context, begin time.Time, due chan<- time.Time) int {
	ending, stop := context.WithTimeout(ctx, p.total)
	defer stop()
	for i := range p.most {
		when := time.Now()
		if p.rate > 0 {
			when = begin.Add(time.Duration(i) * time.Second / time.Duration(p.rate))
			if when.Sub(begin) >= p.total || !pause(ending, time.Until(when)) {
				return i
			}
		}
		select {
		case due <- when:
		case <-ending.Done():
			if p.rate > 0 { // what was due by now, and found nobody free
				return max(i, min(p.most, int(min(time.Since(begin), p.total).Seconds()*float64(p.rate))))
			}
			return i
		}
	}
	return p.most
}

func planOf(ctx context.Context, given *options) (plan, error) {
	given.known("url", "rate", "concurrency", "for", "count", "timeout", "header", "keepalive", "lines")
	given.text("lines", "on", onOff)
	target := given.text("url", "none", formOf(`https?://\S+`, "http://HOST:PORT/PATH"))
	p := plan{askers: given.number("concurrency", "1"), most: math.MaxInt, total: given.span("for", "10s")}
	if given.Has("rate") {
		p.rate = given.number("rate", "1")
	}
	if given.Has("count") {
		p.most, p.total = given.number("count", "1"), given.span("for", "never")
	}
	transport := &http.Transport{DisableKeepAlives: given.text("keepalive", "off", onOff) == "off", MaxIdleConnsPerHost: p.askers}
	p.client = &http.Client{Transport: transport, Timeout: given.span("timeout", "5s"),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if given.wrong != nil {
		return p, given.wrong
	}
	var err error // requests under way are let come to their end
	if p.request, err = http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, target, nil); err != nil {
		return p, err
	}
	for _, header := range given.Values["header"] {
		name, value, ok := strings.Cut(header, ":")
		if !ok {
			return p, fmt.Errorf("header=%q: use NAME: VALUE", header)
		}
		if value = strings.TrimSpace(value); strings.EqualFold(name, "Host") {
			p.request.Host = value
		}
		p.request.Header.Add(name, value)
	}
	return p, nil
}

func (p plan) ask(due time.Time) outcome {
	got := outcome{at: now(), late: time.Since(due).Nanoseconds()}
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { got.reused = info.Reused }}
	answer, err := p.client.Do(p.request.Clone(httptrace.WithClientTrace(p.request.Context(), trace)))
	if err == nil {
		got.status, got.ready = answer.StatusCode, answer.Header.Get("Probe-Ready")
		got.who, got.version = answer.Header.Get("Probe-Name"), answer.Header.Get("Probe-Version")
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	got.took, got.wrong = got.at.took(), explain(err)
	return got
}

// explain says what went wrong in a word, so that it can be counted.
func explain(err error) string {
	var name *net.DNSError
	var late net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &name) && name.IsNotFound:
		return "no such name"
	case errors.As(err, &name):
		return "no DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "cut off"
	case errors.As(err, &late) && late.Timeout():
		return "timeout"
	}
	return err.Error()
}

func (o outcome) report() pairs {
	line := o.at.line("late_ns", o.late, "took_ns", o.took, "status", o.status, "who", o.who, "version", o.version,
		"ready", o.ready, "reused", o.reused)
	if o.wrong != "" {
		line = append(line, "error", o.wrong)
	}
	return line
}

func summary(all []outcome, wanted int, total time.Duration) pairs {
	statuses, who, versions, wrong := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	took, sinceDue := []int64{}, []int64{}
	for _, each := range all {
		if each.wrong != "" {
			wrong[each.wrong]++
			continue
		}
		statuses[strconv.Itoa(each.status)]++
		who[each.who]++
		versions[each.version]++
		took, sinceDue = append(took, each.took), append(sinceDue, each.late+each.took)
	}
	return pairs{"summary", true, "due", wanted, "sent", len(all), "answered", len(took), "time_ns", total.Nanoseconds(),
		"per_second", float64(len(took)) / total.Seconds(), "statuses", statuses, "errors", wrong, "who", who,
		"versions", versions, "took", distribution(took), "since_due", distribution(sinceDue)}
}

// distribution returns quantiles, and a histogram whose classes are a quarter of a power of two wide.
func distribution(values []int64) pairs {
	out, histogram := pairs{"count", len(values)}, []pairs{}
	slices.Sort(values)
	for _, share := range []float64{0, 50, 90, 95, 99, 99.9, 100} {
		if rank := int(math.Ceil(share / 100 * float64(len(values)))); len(values) > 0 {
			out = append(out, fmt.Sprintf("p%v_ns", share), values[max(rank, 1)-1])
		}
	}
	class := func(value int64) int { return int(math.Ceil(4 * math.Log2(float64(max(value, 1))))) }
	for begin, i := 0, 1; i <= len(values); i++ {
		if i == len(values) || class(values[i]) != class(values[begin]) {
			bound := int64(math.Exp2(float64(class(values[begin])) / 4))
			histogram = append(histogram, pairs{"up_to_ns", bound, "count", i - begin})
			begin = i
		}
	}
	return append(out, "histogram", histogram)
}
