// vip gives the API servers of several nodes one address, in two ways: one node at a time has it and tells the wire
// (arp), or each has it and tells a router (bgp). It is what kube-vip does, in small, for machines that can't fetch that.
// Its other commands are for who looks on from outside: a second interface of a Pod (wire), what is said on the wire
// (hear), a kernel's routes (table), and a client (ask).
//
// Each tells what it does as one JSON object a line; client-go's own words stand between them, on standard error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// version is the one of client-go; it is told when the program is linked.
var version = "unknown"

var commands = map[string]func(context.Context, []string) error{
	"arp":   byARP,
	"ask":   ask,
	"bgp":   byBGP,
	"hear":  hear,
	"table": table,
	"trial": trial,
	"wire":  wire,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var name string
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	command, known := commands[name]
	if !known {
		names := strings.Join(slices.Sorted(maps.Keys(commands)), ", ")
		fmt.Fprintf(os.Stderr, "vip %s: one of these commands: %s\n", version, names)
		os.Exit(2)
	}
	note("start", "command", name, "version", version)
	err := command(ctx, os.Args[2:])
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil && ctx.Err() == nil:
		note("exit", "error", err.Error())
		os.Exit(1)
	default:
		note("exit", "error", "")
	}
}

// address is an option that is one.
type address struct{ netip.Addr }

func (a *address) String() string { return a.Addr.String() }

// Set reads it.
func (a *address) Set(text string) (err error) {
	a.Addr, err = netip.ParseAddr(text)
	if err == nil && !a.Is4() {
		err = errors.New("only IPv4 addresses are handled")
	}
	return err
}

// addresses is an option that may be given several times, or with commas.
type addresses []netip.Addr

func (a *addresses) String() string { return fmt.Sprint(*a) }

// Set adds those of a text.
func (a *addresses) Set(text string) error {
	for _, each := range strings.Split(text, ",") {
		var one address
		if err := one.Set(each); err != nil {
			return err
		}
		*a = append(*a, one.Addr)
	}
	return nil
}

// parse reads options; each that is named must be given.
func parse(flags *flag.FlagSet, args []string, needed ...string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s takes options only, not %q", flags.Name(), flags.Arg(0))
	}
	given := map[string]bool{}
	flags.Visit(func(each *flag.Flag) { given[each.Name] = true })
	for _, name := range needed {
		if !given[name] {
			return fmt.Errorf("%s needs --%s", flags.Name(), name)
		}
	}
	return nil
}

// interfaceOf returns an interface by its name.
func interfaceOf(name string) (*net.Interface, error) {
	found, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	return found, nil
}
