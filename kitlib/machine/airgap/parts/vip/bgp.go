package main

import (
	"context"
	"crypto/tls"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/server"
	"github.com/vishvananda/netlink"
)

// byBGP has the address on this node, as every other one has, and tells a router that it leads here, as long as who is
// to be reached by it answers.
func byBGP(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bgp", flag.ContinueOnError)
	var shared, router address
	flags.Var(&shared, "address", "that is announced")
	flags.Var(&router, "router", "that is told")
	name := flags.String("interface", "lo", "that gets the address: one that no wire is at")
	mine := flags.Uint("as", 64513, "the number of the nodes' autonomous system")
	its := flags.Uint("router-as", 64512, "that of the router's")
	hold := flags.Duration("hold", 9*time.Second, "after which a router that hears nothing takes this node for lost")
	check := flags.String("check", "", "a URL that must answer with 200, or the address isn't announced")
	if err := parse(flags, args, "address", "router"); err != nil {
		return err
	}
	here, err := towards(router.Addr)
	if err != nil {
		return err
	}
	if err := put(*name, shared.Addr); err != nil {
		return err
	}
	note("address", "what", "added", "address", shared, "interface", *name)
	defer func() {
		err := take(*name, shared.Addr)
		note("address", "what", "removed", "address", shared, "interface", *name, "failed", err != nil)
	}()
	level := &slog.LevelVar{}
	level.Set(slog.LevelWarn)
	speaker := server.NewBgpServer(server.LoggerOption(slog.New(slog.NewTextHandler(os.Stderr, nil)), level))
	go speaker.Serve()
	global := &api.Global{Asn: uint32(*mine), RouterId: here.String(), ListenPort: -1}
	if err := speaker.StartBgp(ctx, &api.StartBgpRequest{Global: global}); err != nil {
		return err
	}
	// told to end, it says so: the router needn't wait until it hears nothing
	defer func() { _ = speaker.StopBgp(context.Background(), &api.StopBgpRequest{}) }()
	if err := speaker.WatchEvent(ctx, server.WatchEventMessageCallbacks{OnPeerUpdate: told}, server.WatchPeer()); err != nil {
		return err
	}
	seconds := uint64(hold.Seconds())
	timers := &api.TimersConfig{HoldTime: seconds, KeepaliveInterval: seconds / 3, ConnectRetry: 1, IdleHoldTimeAfterReset: 1}
	peer := &api.Peer{
		Conf:   &api.PeerConf{NeighborAddress: router.String(), PeerAsn: uint32(*its)},
		Timers: &api.Timers{Config: timers},
	}
	if err := speaker.AddPeer(ctx, &api.AddPeerRequest{Peer: peer}); err != nil {
		return err
	}
	return announced(ctx, speaker, shared.Addr, here, *check)
}

func told(event *apiutil.WatchEventMessage_PeerEvent, _ time.Time) {
	if event.Type == apiutil.PEER_EVENT_STATE {
		note("session", "state", event.Peer.State.SessionState.String(), "why", event.Peer.State.DisconnectMessage)
	}
}

// announced has the router know the way as long as the check succeeds.
func announced(ctx context.Context, speaker *server.BgpServer, shared, here netip.Addr, check string) error {
	nlri, err := bgp.NewIPAddrPrefix(netip.PrefixFrom(shared, 32))
	if err != nil {
		return err
	}
	hop, err := bgp.NewPathAttributeNextHop(here)
	if err != nil {
		return err
	}
	path := &apiutil.Path{
		Family: bgp.RF_IPv4_UC,
		Nlri:   nlri,
		Attrs:  []bgp.PathAttributeInterface{bgp.NewPathAttributeOrigin(bgp.BGP_ORIGIN_ATTR_TYPE_IGP), hop},
	}
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // the server of this node, by a name of its own
	}}
	for is := false; ; {
		if so := answers(ctx, client, check); so != is && ctx.Err() == nil {
			if so {
				_, err = speaker.AddPath(apiutil.AddPathRequest{Paths: []*apiutil.Path{path}})
			} else {
				err = speaker.DeletePath(apiutil.DeletePathRequest{Paths: []*apiutil.Path{path}})
			}
			if err != nil {
				return err
			}
			is = so
			note("announced", "address", shared, "is", is, "hop", here)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func answers(ctx context.Context, client *http.Client, check string) bool {
	if check == "" {
		return true
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, check, nil)
	if err != nil {
		return false
	}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK
}

// towards returns this node's own address on the way to another one.
func towards(other netip.Addr) (netip.Addr, error) {
	ways, err := netlink.RouteGet(net.IP(other.AsSlice()))
	if err != nil {
		return netip.Addr{}, err
	}
	here, _ := netip.AddrFromSlice(ways[0].Src.To4())
	return here, nil
}
