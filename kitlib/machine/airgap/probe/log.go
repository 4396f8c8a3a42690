package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// A stamp is a moment by both clocks; the monotonic one is the node's, the same for all its containers.
type stamp struct{ wall, mono int64 }

func now() stamp {
	const monotonic = 1
	var at syscall.Timespec
	_, _, _ = syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, monotonic, uintptr(unsafe.Pointer(&at)), 0)
	return stamp{time.Now().UnixNano(), at.Nano()}
}

// took returns the nanoseconds since a moment.
func (s stamp) took() int64 { return now().mono - s.mono }

// line begins an object with a moment.
func (s stamp) line(rest ...any) pairs {
	return append(pairs{"wall_ns", s.wall, "mono_ns", s.mono}, rest...)
}

// pairs is an object whose keys stay in order: key, value, key, value.
type pairs []any

// MarshalJSON writes it as JSON.
func (p pairs) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	for i, each := range p {
		text, err := json.Marshal(each)
		if err != nil {
			return nil, err
		}
		out.WriteByte("{:,:"[min(i, 2+i%2)])
		out.Write(text)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

var output = struct {
	sync.Mutex
	io.Writer
}{Writer: os.Stdout}

// write writes one line of JSON.
func write(line pairs) {
	text, _ := json.Marshal(line)
	output.Lock()
	defer output.Unlock()
	_, _ = output.Write(append(text, '\n'))
}

// note logs what happened at a moment.
func note(at stamp, event string, rest ...any) { write(append(at.line("event", event), rest...)) }

// mostCounts bounds how many things are counted apart; what comes later counts as "other".
const mostCounts = 2000

type counter struct {
	sync.Mutex
	inFlight int
	counts   map[string]int
}

var count = counter{counts: map[string]int{}}

func (c *counter) fly(n int) int {
	c.Lock()
	defer c.Unlock()
	c.inFlight += n
	return c.inFlight
}

func (c *counter) add(what string) {
	c.Lock()
	defer c.Unlock()
	if _, known := c.counts[what]; !known && len(c.counts) >= mostCounts {
		what = "other"
	}
	c.counts[what]++
}

func (c *counter) report() pairs {
	c.Lock()
	defer c.Unlock()
	return pairs{"in_flight", c.inFlight, "counts", maps.Clone(c.counts)}
}
