package main

import (
	"context"
	"errors"
	"flag"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/vishvananda/netlink"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// byARP takes part in an election. Who leads has the address on its interface, and says so on the wire.
func byARP(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("arp", flag.ContinueOnError)
	held := held{}
	var shared address
	flags.Var(&shared, "address", "that is to be held; without one it is an election and no more")
	last := flags.Int("last", 0, "instead: the last part of that address; the rest is as high as the interface's network goes")
	flags.StringVar(&held.name, "interface", "eth0", "that gets it")
	flags.DurationVar(&held.every, "announce", 3*time.Second, "how often the leader says so")
	lease := flags.String("lease", "kube-system/vip", "NAMESPACE/NAME of the lease")
	me := flags.String("name", "", "of who takes part, such as the node's")
	kubeconfig := flags.String("kubeconfig", "", "by which the API server is asked; a Pod's own rights by default")
	server := flags.String("server", "", "the API server, where that isn't the kubeconfig's")
	lasts := flags.Duration("lease-duration", 15*time.Second, "after which others may take a lease that wasn't renewed")
	renews := flags.Duration("renew-deadline", 10*time.Second, "after which a leader that can't renew it gives up")
	tries := flags.Duration("retry-period", 500*time.Millisecond, "between two tries")
	if err := parse(flags, args, "name"); err != nil {
		return err
	}
	held.shared = shared.Addr
	if *last > 0 {
		found, err := upper(held.name, *last)
		if err != nil {
			return err
		}
		held.shared = found
	}
	config, err := clientcmd.BuildConfigFromFlags(*server, *kubeconfig)
	if err != nil {
		return err
	}
	config.Timeout = max(*renews/2, time.Second)
	config.QPS = -1 // a renewal waits for nobody
	client, err := v1.NewForConfig(rest.AddUserAgent(config, "vip"))
	if err != nil {
		return err
	}
	namespace, name, found := strings.Cut(*lease, "/")
	if !found {
		return errors.New("--lease is NAMESPACE/NAME")
	}
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: name},
		Client:     client,
		LockConfig: resourcelock.ResourceLockConfig{Identity: *me},
	}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:          lock,
		LeaseDuration: *lasts,
		RenewDeadline: *renews,
		RetryPeriod:   *tries,
		Name:          *lease,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: held.lead,
			OnStoppedLeading: held.drop,
			OnNewLeader: func(who string) {
				note("leader", "who", who)
				if who != *me {
					held.clean()
				}
			},
		},
	})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		elector.Run(ctx)
	}
	giveBack(lock, *me, *renews)
	return nil
}

// giveBack has nobody wait for the lease of who is told to end. client-go does so by itself with ReleaseOnCancel; but
// then who can't renew the lease tries that as well, for seconds, and only then lets go of the address. Here the address
// has been given up when this is called.
func giveBack(lock resourcelock.Interface, me string, within time.Duration) {
	ctx, stop := context.WithTimeout(context.Background(), within)
	defer stop()
	was, _, err := lock.Get(ctx)
	if err != nil || was.HolderIdentity != me {
		return
	}
	at := metav1.Now()
	free := resourcelock.LeaderElectionRecord{
		LeaseDurationSeconds: 1, RenewTime: at, AcquireTime: at, LeaderTransitions: was.LeaderTransitions,
	}
	err = lock.Update(ctx, free)
	note("released", "failed", err != nil)
}

// held is the address as this node has it, or hasn't.
type held struct {
	sync.Mutex
	shared  netip.Addr
	name    string // of the interface
	every   time.Duration
	leading bool
}

// lead takes the address and announces it until the context ends; then it is given up before anything else is done.
func (h *held) lead(ctx context.Context) {
	h.Lock()
	h.leading = ctx.Err() == nil
	h.Unlock()
	note("leads")
	for ctx.Err() == nil {
		if err := h.take(); err != nil {
			note("address", "what", "failed", "error", err.Error())
		}
		select {
		case <-ctx.Done():
		case <-time.After(h.every):
		}
	}
	h.drop()
}

// take has the address on the interface, also if somebody took it off, and tells the wire.
func (h *held) take() error {
	h.Lock()
	defer h.Unlock()
	if !h.leading || !h.shared.IsValid() {
		return nil
	}
	there, err := has(h.name, h.shared)
	if err != nil {
		return err
	}
	if !there {
		if err := put(h.name, h.shared); err != nil {
			return err
		}
		note("address", "what", "added", "address", h.shared, "interface", h.name)
	}
	if err := announce(h.name, h.shared); err != nil {
		return err
	}
	note("announced", "address", h.shared)
	return nil
}

// drop gives the address up.
func (h *held) drop() {
	h.Lock()
	was := h.leading
	h.leading = false
	h.Unlock()
	h.remove("removed")
	if was {
		note("follows")
	}
}

// clean takes away an address that a run before this one left: somebody else leads now.
func (h *held) clean() { h.remove("left by an earlier run, removed") }

func (h *held) remove(what string) {
	h.Lock()
	defer h.Unlock()
	if h.leading || !h.shared.IsValid() {
		return
	}
	there, err := has(h.name, h.shared)
	if err == nil && there {
		err = take(h.name, h.shared)
		note("address", "what", what, "address", h.shared, "interface", h.name)
	}
	if err != nil {
		note("address", "what", "failed", "error", err.Error())
	}
}

// announce says on the wire whose the address is now, unasked: as a request that asks for itself and as a reply, since
// some heed only one of them.
func announce(name string, shared netip.Addr) error {
	at, err := interfaceOf(name)
	if err != nil {
		return err
	}
	client, err := arp.Dial(at)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, operation := range []arp.Operation{arp.OperationRequest, arp.OperationReply} {
		said, err := arp.NewPacket(operation, at.HardwareAddr, shared, ethernet.Broadcast, shared)
		if err != nil {
			return err
		}
		if err := client.WriteTo(said, ethernet.Broadcast); err != nil {
			return err
		}
	}
	return nil
}

// upper returns an address at the upper end of an interface's network.
func upper(name string, last int) (netip.Addr, error) {
	node, err := netlink.NewHandle()
	if err != nil {
		return netip.Addr{}, err
	}
	defer node.Close()
	link, err := node.LinkByName(name)
	if err != nil {
		return netip.Addr{}, err
	}
	found, err := high(node, link, last)
	if err != nil {
		return netip.Addr{}, err
	}
	made, _ := netip.AddrFromSlice(found.IP.To4())
	return made, nil
}

// alone is an address as an interface has it: for itself, with no network behind it.
func alone(shared netip.Addr) (*netlink.Addr, error) {
	return netlink.ParseAddr(shared.String() + "/32")
}

func has(name string, shared netip.Addr) (bool, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return false, err
	}
	found, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return false, err
	}
	for _, each := range found {
		if each.IP.String() == shared.String() {
			return true, nil
		}
	}
	return false, nil
}

func put(name string, shared netip.Addr) error { return change(name, shared, netlink.AddrReplace) }

func take(name string, shared netip.Addr) error { return change(name, shared, netlink.AddrDel) }

func change(name string, shared netip.Addr, do func(netlink.Link, *netlink.Addr) error) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	wanted, err := alone(shared)
	if err != nil {
		return err
	}
	return do(link, wanted)
}
