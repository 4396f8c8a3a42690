package main

import (
	"context"
	"flag"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/arp"
)

// hear tells what is said on a wire of some addresses, and asks whose one is, as everybody does who wants to reach it.
func hear(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("hear", flag.ContinueOnError)
	name := flags.String("interface", "eth0", "that hears")
	var about addresses
	flags.Var(&about, "about", "an address; those of others aren't told")
	every := flags.Duration("every", time.Second, "between two questions for each of them")
	if err := parse(flags, args, "about"); err != nil {
		return err
	}
	at, err := interfaceOf(*name)
	if err != nil {
		return err
	}
	client, err := arp.Dial(at)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { client.Close() })
	go question(ctx, client, about, *every)
	note("listen", "interface", *name, "mac", at.HardwareAddr.String())
	for {
		said, _, err := client.Read()
		if err != nil {
			return err
		}
		if !slices.Contains(about, said.SenderIP) {
			continue
		}
		operation := map[arp.Operation]string{arp.OperationRequest: "request", arp.OperationReply: "reply"}[said.Operation]
		note("arp", "operation", operation, "address", said.SenderIP, "mac", said.SenderHardwareAddr.String(),
			"target", said.TargetIP, "gratuitous", said.SenderIP == said.TargetIP)
	}
}

func question(ctx context.Context, client *arp.Client, about []netip.Addr, every time.Duration) {
	for {
		for _, each := range about {
			at := now()
			if err := client.Request(each); err != nil {
				return
			}
			at.note("question", "address", each)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}
