package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// A trial does something that a security context may forbid, and undoes it.
type trial struct {
	name, needs string
	run         func() error
}

var trials = []trial{
	{"write-root", "a root file system that isn't read-only", func() error { return makeFile("/") }},
	{"chown", "CAP_CHOWN", func() error {
		return inScratch(func(name string) error {
			return errors.Join(os.WriteFile(name, nil, 0o600), os.Chown(name, os.Getuid()+1, -1))
		})
	}},
	{"mknod", "CAP_MKNOD", func() error {
		return inScratch(func(name string) error { return syscall.Mknod(name, syscall.S_IFCHR|0o600, 1<<8|3) })
	}},
	{"setuid", "CAP_SETUID", func() error { return call(syscall.SYS_SETUID, uintptr(os.Getuid()+1)) }},
	{"nice", "CAP_SYS_NICE", func() error { return syscall.Setpriority(syscall.PRIO_PROCESS, 0, -1) }},
	{"chroot", "CAP_SYS_CHROOT", func() error { return syscall.Chroot("/") }},
	{"bind-80", "CAP_NET_BIND_SERVICE, or a sysctl that allows it to all", func() error {
		listener, err := net.Listen("tcp", "127.0.0.1:80")
		if err == nil {
			return listener.Close()
		}
		if errors.Is(err, syscall.EADDRINUSE) { // the right is asked for before the port
			return nil
		}
		return err
	}},
	{"raw-socket", "CAP_NET_RAW", func() error {
		handle, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_ICMP)
		if err == nil {
			err = syscall.Close(handle)
		}
		return err
	}},
	{"unshare", "CAP_SYS_ADMIN", func() error { return syscall.Unshare(syscall.CLONE_NEWUTS) }},
	{"trace", "a seccomp profile that allows ptrace", func() error {
		command := exec.Command("/proc/self/exe", "help")
		command.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
		if err := command.Start(); err != nil {
			return err
		}
		_ = command.Process.Kill()
		_ = command.Wait()
		return nil
	}},
	{"keyctl", "a seccomp profile that allows it", func() error {
		const getKeyring, session = 0, ^uintptr(2) // KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING (-3)
		return call(syscall.SYS_KEYCTL, getKeyring, session)
	}},
}

func call(number uintptr, values ...uintptr) error {
	values = append(values, 0, 0)
	if _, _, errno := syscall.RawSyscall(number, values[0], values[1], 0); errno != 0 {
		return errno
	}
	return nil
}

func scratchName(folder string) string {
	return filepath.Join(folder, fmt.Sprintf(".probe-%d", now().mono))
}

func makeFile(folder string) error {
	name := scratchName(folder)
	return errors.Join(os.WriteFile(name, nil, 0o600), ignoreMissing(os.Remove(name)))
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// inScratch gives the name of a file that can be made, in the first folder where it can.
func inScratch(use func(string) error) error {
	for _, folder := range []string{"/dev/shm", "/tmp", "/"} {
		if makeFile(folder) == nil {
			name := scratchName(folder)
			defer os.Remove(name)
			return use(name)
		}
	}
	return errors.New("there is no folder to try it in")
}

// attempt makes one trial, on a thread that is thrown away with whatever the trial changed.
func attempt(name string) error {
	answer := make(chan error)
	for _, each := range trials {
		if each.name == name {
			go func() {
				runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
				answer <- each.run()
			}()
		}
	}
	return <-answer
}

// tryAll makes all trials, or those that are named.
func tryAll(_ context.Context, given *options, say func(pairs)) error {
	given.known("what")
	names := []string{}
	for _, each := range trials {
		names = append(names, each.name)
	}
	for _, name := range given.Values["what"] {
		if !listed(names, name) {
			return fmt.Errorf("there is no trial %q: use %s", name, strings.Join(names, ", "))
		}
	}
	for _, each := range trials {
		if given.Has("what") && !listed(given.Values["what"], each.name) {
			continue
		}
		err := attempt(each.name)
		line := pairs{"what", each.name, "needs", each.needs, "done", err == nil}
		if errno := syscall.Errno(0); errors.As(err, &errno) {
			line = append(line, "errno", int(errno))
		}
		if err != nil {
			line = append(line, "error", err.Error())
		}
		say(line)
	}
	return given.wrong
}
