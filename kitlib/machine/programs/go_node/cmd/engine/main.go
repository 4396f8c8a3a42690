// engine runs a container engine in namespaces of its own: process numbers, mounts and network. When its first process
// ends, the kernel ends every container and takes every mount, interface, route and firewall rule with it, so that
// nothing of them can be left behind. There is no way from that network to any other: containers can't reach what the
// host can, and what they publish is carried to the host's 127.0.0.1 by a process that stands in both networks.
//
// It acts as the one it is called as: docker-proxy and oci-runtime are what dockerd calls.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	acts := map[string]func([]string) error{"docker-proxy": proxy, "oci-runtime": runtimeWithout}
	act, args := acts[filepath.Base(os.Args[0])], os.Args[1:]
	if act == nil && len(args) > 0 {
		act, args = map[string]func([]string) error{"run": run, "init": first}[args[0]], args[1:]
	}
	if act == nil {
		fmt.Fprintln(os.Stderr, "usage: engine run FOLDER DNS-ADDRESS COMMAND...")
		os.Exit(2)
	}
	if err := act(args); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}
