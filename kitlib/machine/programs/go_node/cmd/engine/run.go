package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// hostNetwork is where, in the engine's mounts, docker-proxy finds the network that engine was started in.
const hostNetwork = "/run/host-network"

// layered are the folders in which an engine leaves files, whatever it is told: it writes to a layer that goes with its
// mounts, and so does whoever runs in a container that mounts them.
var layered = []string{"/etc", "/opt"}

// run starts the first process of the new namespaces, and stays as its parent: when one ends, so does the other.
func run(args []string) error {
	if len(args) < 3 {
		return errors.New("run needs FOLDER, DNS-ADDRESS and COMMAND")
	}
	runtime.LockOSThread() // Pdeathsig means the thread
	network, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return err
	}
	child := exec.Command("/proc/self/exe")
	child.Args[0] = filepath.Join(filepath.Dir(os.Args[0]), "engine-init")
	child.Args = append([]string{child.Args[0], "init"}, args...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.ExtraFiles = []*os.File{network} // 3
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := child.Start(); err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for received := range signals {
			child.Process.Signal(received)
		}
	}()
	return child.Wait()
}

// first is process 1 of the namespaces: it prepares them, starts the engine, and buries whatever ends.
func first(args []string) error {
	folder, dns, command := args[0], args[1], args[2:]
	if err := mounts(folder); err != nil {
		return err
	}
	if err := interfaces(dns); err != nil {
		return err
	}
	if err := nowhere(dns); err != nil {
		return err
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	engine, err := os.StartProcess(path, command, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, os.Stderr}})
	if err != nil {
		return err
	}
	go func() {
		for received := range signals {
			engine.Signal(received)
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if pid == engine.Pid {
			if status.ExitStatus() != 0 {
				return fmt.Errorf("%s ended: exit code %d, signal %d", command[0], status.ExitStatus(), status.Signal())
			}
			return nil
		}
	}
}

// mounts makes all mounts private, keeps the host's folders as they are, and shows the engine's own processes.
func mounts(folder string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	// its folder may lie below one that is covered
	kept, err := os.Open(folder)
	if err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	if err := unix.Mount("kitlib", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("/run: %w", err)
	}
	for _, path := range layered {
		upper, work := filepath.Join("/run/layers", path), filepath.Join("/run/layers/work", path)
		if err := errors.Join(os.MkdirAll(upper, 0o755), os.MkdirAll(work, 0o700)); err != nil {
			return err
		}
		options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", path, upper, work)
		if err := unix.Mount("kitlib", path, "overlay", 0, options); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", kept.Fd()), folder, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	if err := os.WriteFile(hostNetwork, nil, 0o600); err != nil {
		return err
	}
	if err := unix.Mount("/proc/self/fd/3", hostNetwork, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("%s: %w", hostNetwork, err)
	}
	return unix.Close(3)
}

// interfaces brings the loopback interface up and gives it the address on which names are answered.
func interfaces(address string) error {
	for _, command := range [][]string{
		{"ip", "link", "set", "lo", "up"},
		{"ip", "address", "add", address + "/32", "dev", "lo"},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", command, err, out)
		}
	}
	return nil
}
