package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
)

const cniFolder = "/etc/cni/net.d/"

// network keeps the routes to other nodes' Pods, and writes the CNI configuration once the node's own range is known.
type network struct {
	self   node
	routes map[string]string // range of Pod addresses → the node's address
}

func run(command ...string) error {
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, out)
	}
	return nil
}

// begin makes a Pod's address without a node unreachable, rather than something to be sent to the default gateway.
func (n *network) begin() {
	if err := run("ip", "route", "replace", "unreachable", n.self.pods); err != nil {
		log.Print(err)
	}
}

func (n *network) keep(a *api) error {
	nodes, err := a.list("nodes")
	if err != nil {
		return err
	}
	there := map[string]bool{}
	var all error
	for _, other := range nodes {
		address := ""
		for _, each := range other.Status.Addresses {
			if each.Type == "InternalIP" {
				address = each.Address
			}
		}
		pods := other.Spec.PodCIDR
		if address == "" || pods == "" {
			continue
		}
		there[pods] = true
		if n.routes[pods] == address {
			continue
		}
		if other.Metadata.Name == n.self.name {
			err = n.own(pods)
		} else {
			err = run("ip", "route", "replace", pods, "via", address)
		}
		if err != nil {
			all = errors.Join(all, err)
			continue
		}
		n.routes[pods] = address
	}
	for pods := range n.routes { // a node that was removed for good
		if !there[pods] {
			all = errors.Join(all, run("ip", "route", "delete", pods))
			delete(n.routes, pods)
		}
	}
	return all
}

// own has Pods of this node get addresses from its range; what they send out of the Pods' network bears the node's.
func (n *network) own(pods string) error {
	leaving := []string{"POSTROUTING", "-s", n.self.pods, "!", "-d", n.self.pods, "-j", "MASQUERADE"}
	if run(append([]string{"iptables", "-w", "-t", "nat", "-C"}, leaving...)...) != nil {
		if err := run(append([]string{"iptables", "-w", "-t", "nat", "-A"}, leaving...)...); err != nil {
			return err
		}
	}
	text := fmt.Sprintf(`{
 "cniVersion": "1.0.0",
 "name": "kitlib",
 "plugins": [
  {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam",
   "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": %q}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}
 ]
}
`, pods)
	if err := os.WriteFile(cniFolder+".new", []byte(text), 0o644); err != nil {
		return err
	}
	log.Print("Pods of this node get addresses from ", pods)
	return os.Rename(cniFolder+".new", cniFolder+"10-kitlib.conflist") // containerd sees it whole
}
