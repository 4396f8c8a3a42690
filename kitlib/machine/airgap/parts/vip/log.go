package main

import (
	"bytes"
	"encoding/json"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A moment is one by both clocks; the monotonic one is the node's, the same for all its containers.
type moment struct{ wall, mono int64 }

func now() moment {
	var at unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &at)
	return moment{time.Now().UnixNano(), at.Nano()}
}

var output sync.Mutex

// note writes what happened as one line of JSON, whose keys stay in order.
func note(event string, rest ...any) { now().note(event, rest...) }

// note writes what happened at a moment.
func (m moment) note(event string, rest ...any) {
	var line bytes.Buffer
	for i, each := range append([]any{"wall_ns", m.wall, "mono_ns", m.mono, "event", event}, rest...) {
		text, err := json.Marshal(each)
		if err != nil {
			text, _ = json.Marshal(err.Error())
		}
		line.WriteByte("{:,:"[min(i, 2+i%2)])
		line.Write(text)
	}
	line.WriteString("}\n")
	output.Lock()
	defer output.Unlock()
	_, _ = os.Stdout.Write(line.Bytes())
}
