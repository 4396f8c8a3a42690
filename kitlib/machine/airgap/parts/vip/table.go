package main

import (
	"context"
	"flag"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
)

// table tells which ways the kernel knows to some addresses: now, and whenever that changes.
func table(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("table", flag.ContinueOnError)
	var about addresses
	flags.Var(&about, "about", "an address")
	if err := parse(flags, args, "about"); err != nil {
		return err
	}
	changes := make(chan netlink.RouteUpdate, 256)
	if err := netlink.RouteSubscribeWithOptions(changes, ctx.Done(), netlink.RouteSubscribeOptions{}); err != nil {
		return err
	}
	last := map[netip.Addr][]string{}
	for {
		for _, each := range about {
			ways, err := waysTo(each)
			if err != nil {
				return err
			}
			if known, told := last[each]; !told || !slices.Equal(known, ways) {
				note("route", "address", each, "ways", len(ways), "via", ways)
				last[each] = ways
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-changes:
			if !open {
				return nil
			}
		case <-time.After(5 * time.Second): // what a full queue lost is seen then
		}
	}
}

// waysTo returns the gateways of the route to one address alone.
func waysTo(to netip.Addr) ([]string, error) {
	wanted := &net.IPNet{IP: net.IP(to.AsSlice()), Mask: net.CIDRMask(32, 32)}
	found, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Dst: wanted}, netlink.RT_FILTER_DST)
	if err != nil {
		return nil, err
	}
	ways := []string{}
	for _, route := range found {
		if route.Gw != nil {
			ways = append(ways, route.Gw.String())
		}
		for _, hop := range route.MultiPath {
			ways = append(ways, hop.Gw.String())
		}
	}
	slices.Sort(ways)
	return ways, nil
}
