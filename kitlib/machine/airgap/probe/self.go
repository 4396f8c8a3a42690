package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// capabilities in the order of their bits, without CAP_.
var capabilities = strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
	LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT
	SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE
	AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF
	CHECKPOINT_RESTORE`)

// reportSelf says what this process is and sees: what a security context decides, and what a Pod's containers share.
func reportSelf(_ context.Context, given *options, say func(pairs)) error {
	if given.known("nothing"); given.wrong != nil {
		return given.wrong
	}
	hostname, _ := os.Hostname()
	status := statusOf("self")
	say(identity(
		"uid", os.Getuid(), "gid", os.Getgid(), "groups", strings.Fields(status["Groups"]),
		"capabilities", pairs{"effective", capabilitiesOf(status["CapEff"]), "permitted", capabilitiesOf(status["CapPrm"]),
			"bounding", capabilitiesOf(status["CapBnd"]), "ambient", capabilitiesOf(status["CapAmb"])},
		"no_new_privileges", status["NoNewPrivs"] == "1",
		"seccomp", map[string]string{"0": "off", "1": "strict", "2": "filter"}[status["Seccomp"]],
		"label", content("/proc/self/attr/current"), "root_writable", attempt("write-root") == nil,
		"hostname", hostname, "addresses", addresses(), "resolver", readResolver("/etc/resolv.conf"),
		"namespaces", namespaces(), "limits", limits(), "processes", processes(), "mounts", mounts(),
		"environment", slices.Sorted(slices.Values(os.Environ()))))
	return nil
}

// content returns a small file as text, empty if it can't be read.
func content(name string) string {
	text, _ := os.ReadFile(name)
	return strings.TrimRight(string(text), "\n\x00 ")
}

func statusOf(pid string) map[string]string {
	found := map[string]string{}
	for _, line := range strings.Split(content("/proc/"+pid+"/status"), "\n") {
		key, value, _ := strings.Cut(line, ":")
		found[key] = strings.TrimSpace(value)
	}
	return found
}

func capabilitiesOf(mask string) []string {
	bits, _ := strconv.ParseUint(mask, 16, 64)
	names := []string{}
	for bit, name := range capabilities {
		if bits>>bit&1 == 1 {
			names = append(names, "CAP_"+name)
		}
	}
	return names
}

func addresses() []pairs {
	found := []pairs{}
	interfaces, _ := net.Interfaces()
	for _, each := range interfaces {
		own, _ := each.Addrs()
		for _, address := range own {
			found = append(found, pairs{"interface", each.Name, "address", address.String()})
		}
	}
	return found
}

// namespaces returns each namespace's identity: two containers that share one have the same.
func namespaces() map[string]string {
	found := map[string]string{}
	for _, kind := range []string{"net", "ipc", "uts", "pid", "mnt", "user", "cgroup"} {
		found[kind], _ = os.Readlink("/proc/self/ns/" + kind)
	}
	return found
}

// limits returns what the cgroup allows, by version 2 or 1, as far as it can be read.
func limits() map[string]string {
	found := map[string]string{}
	for _, name := range []string{"memory.max", "cpu.max", "memory/memory.limit_in_bytes", "cpu/cpu.cfs_quota_us"} {
		if text := content("/sys/fs/cgroup/" + name); text != "" {
			found[filepath.Base(name)] = text
		}
	}
	return found
}

func processes() []pairs {
	found := []pairs{}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		pid, _ := strconv.Atoi(filepath.Base(folder))
		status := statusOf(filepath.Base(folder))
		uid, _, _ := strings.Cut(status["Uid"], "\t")
		command := strings.ReplaceAll(content(folder+"/cmdline"), "\x00", " ")
		if status["Name"] != "" { // else it has ended
			found = append(found, pairs{"pid", pid, "name", status["Name"], "uid", uid, "command", command})
		}
	}
	return found
}

func mounts() []pairs {
	found := []pairs{}
	for _, line := range strings.Split(content("/proc/self/mountinfo"), "\n") {
		left, right, ok := strings.Cut(line, " - ")
		if words := strings.Fields(left + " " + right); ok && len(words) >= 8 {
			kind, source, _ := strings.Cut(right, " ")
			source, _, _ = strings.Cut(source, " ")
			found = append(found, pairs{"path", words[4], "options", words[5], "type", kind, "source", source, "root", words[3]})
		}
	}
	return found
}
