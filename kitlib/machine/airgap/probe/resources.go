package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// page is a step in which memory is taken and disk is filled.
const page = 1 << 20

var (
	held    [][]byte
	filling bool // whether the file is this process's own
	filler  = bytes.Repeat([]byte("probe\n"), page/6+1)[:page]
)

// pace returns when the next step is due at a rate per second, at once if there is none.
func pace(rate int64) time.Duration {
	if rate == 0 {
		return 0
	}
	return time.Duration(float64(page) / float64(rate) * float64(time.Second))
}

// holdMemory takes or gives back one page of memory, up to what is wanted, and writes to it so that it is there.
func holdMemory() time.Duration {
	want := int((settings.size("memory") + page - 1) / page)
	switch {
	case len(held) > want:
		last := len(held) - 1
		_ = syscall.Munmap(held[last])
		held = held[:last]
	case len(held) < want:
		block, err := syscall.Mmap(-1, 0, page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			note(now(), "memory", "bytes", len(held)*page, "error", err.Error())
			return forever
		}
		copy(block, filler)
		held = append(held, block)
	default:
		return forever
	}
	if len(held) == want {
		note(now(), "memory", "bytes", len(held)*page)
		return forever
	}
	return pace(settings.size("memory.rate"))
}

// fillDisk writes one page to the file, up to what is wanted, or cuts it.
func fillDisk() time.Duration {
	want, name := settings.size("disk"), settings.text("disk.path")
	if filling = filling || want > 0; !filling {
		return forever
	}
	have := int64(0)
	if about, err := os.Stat(name); err == nil {
		have = about.Size()
	}
	var err error
	switch {
	case have == want:
		return forever
	case want == 0:
		err = os.Remove(name)
	case have > want:
		err = os.Truncate(name, want)
	default:
		err = appendTo(name, filler[:min(page, want-have)])
		want = min(have+page, want)
	}
	if err != nil || settings.size("disk") == want {
		noteFile(now(), "disk", name, want, err)
	}
	if err != nil {
		return forever
	}
	return pace(settings.size("disk.rate"))
}

func appendTo(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

func noteFile(at stamp, event, name string, number int64, err error) {
	line := []any{"path", name, "number", number}
	if err != nil {
		line = append(line, "error", err.Error())
	}
	note(at, event, line...)
}

var refreshed int64

// refresh writes the file anew, whole or not at all.
func refresh() time.Duration {
	name := settings.text("refresh")
	if name == "off" {
		return forever
	}
	refreshed++
	at := now()
	text, _ := json.Marshal(identity("count", refreshed, "wall_ns", at.wall, "mono_ns", at.mono))
	err := os.WriteFile(name+".new", append(text, '\n'), 0o666)
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	noteFile(at, "refresh", name, refreshed, err)
	return max(settings.span("refresh.every"), time.Millisecond)
}

// useFile writes or appends text to a file, and returns what is in it then, up to a page.
func useFile(_ context.Context, given *options, say func(pairs)) error {
	given.known("path", "write", "append")
	name := given.Get("path")
	if given.wrong == nil {
		given.wrong = path.check("path", name)
	}
	if given.wrong != nil {
		return given.wrong
	}
	var err error
	if given.Has("write") {
		err = os.WriteFile(name, []byte(given.Get("write")), 0o666)
	}
	if given.Has("append") && err == nil {
		err = appendTo(name, []byte(given.Get("append")))
	}
	file, cause := os.Open(name)
	if err = errors.Join(err, cause); err != nil {
		return failed(err)
	}
	defer file.Close()
	about, err := file.Stat()
	text, cause := io.ReadAll(io.LimitReader(file, page))
	if err = errors.Join(err, cause); err != nil {
		return failed(err)
	}
	say(pairs{"path", name, "bytes", about.Size(), "modified_ns", about.ModTime().UnixNano(), "text", string(text)})
	return nil
}
