package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// wire gives a Pod a second interface, on the wire that the nodes themselves are on: so it is a machine beside them. The
// interface is made in the Pod's own network, and goes with it. It needs hostPID and a privileged container.
func wire(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("wire", flag.ContinueOnError)
	parent := flags.String("parent", "eth0", "the node's interface")
	name := flags.String("name", "rack", "of the Pod's new one")
	last := flags.Int("last", 250, "the last part of its address; the rest is as high as the node's network goes")
	router := flags.Bool("router", false, "have several ways to one address used by turns: connection by connection")
	nowhere := flags.String("nowhere", "", "a range of addresses to which no way leads unless a router finds one")
	if err := parse(flags, args); err != nil {
		return err
	}
	own, err := netns.Get()
	if err != nil {
		return err
	}
	defer own.Close()
	of, err := netns.GetFromPid(1)
	if err != nil {
		return fmt.Errorf("the node's network: %w", err)
	}
	defer of.Close()
	if own.Equal(of) {
		return fmt.Errorf("this isn't a network of its own")
	}
	node, err := netlink.NewHandleAt(of)
	if err != nil {
		return err
	}
	defer node.Close()
	above, err := node.LinkByName(*parent)
	if err != nil {
		return fmt.Errorf("%s of the node: %w", *parent, err)
	}
	given, err := high(node, above, *last)
	if err != nil {
		return err
	}
	if _, err := netlink.LinkByName(*name); err != nil { // it may be there: a container that is started again
		made := netlink.NewLinkAttrs()
		made.Name, made.ParentIndex, made.Namespace = *name, above.Attrs().Index, netlink.NsFd(int(own))
		if err := node.LinkAdd(&netlink.Macvlan{LinkAttrs: made, Mode: netlink.MACVLAN_MODE_BRIDGE}); err != nil {
			return fmt.Errorf("macvlan: %w", err)
		}
	}
	mine, err := netlink.LinkByName(*name)
	if err != nil {
		return err
	}
	if err := netlink.AddrReplace(mine, &netlink.Addr{IPNet: given}); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(mine); err != nil {
		return err
	}
	if *router { // by default the way hangs on the two addresses alone: all of one client's would go the same
		if err := os.WriteFile("/proc/sys/net/ipv4/fib_multipath_hash_policy", []byte("1"), 0o644); err != nil {
			return err
		}
	}
	if *nowhere != "" { // else they would be looked for in the Pods' network
		_, wanted, err := net.ParseCIDR(*nowhere)
		if err != nil {
			return err
		}
		if err := netlink.RouteReplace(&netlink.Route{Dst: wanted, Type: unix.RTN_UNREACHABLE}); err != nil {
			return err
		}
	}
	note("wire", "interface", *name, "address", given.String(), "mac", mine.Attrs().HardwareAddr.String())
	return nil
}

// high returns an address at the upper end of an interface's network: engines give away those at the lower end.
func high(node *netlink.Handle, of netlink.Link, last int) (*net.IPNet, error) {
	found, err := node.AddrList(of, netlink.FAMILY_V4)
	if err != nil {
		return nil, err
	}
	for _, each := range found {
		if ones, bits := each.Mask.Size(); bits-ones >= 8 {
			ip := each.IP.To4()
			for i := range ip {
				ip[i] |= ^each.Mask[i]
			}
			ip[3] = byte(last)
			return &net.IPNet{IP: ip, Mask: each.Mask}, nil
		}
	}
	return nil, fmt.Errorf("%s has no IPv4 network of 256 addresses", of.Attrs().Name)
}
