package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// proxy is what dockerd starts for a port that a container publishes: it listens in the host's network, on 127.0.0.1
// and on nothing else, and connects from the engine's network. dockerd learns by file 3 whether it listens.
func proxy(args []string) error {
	flags := flag.NewFlagSet("docker-proxy", flag.ContinueOnError)
	protocol := flags.String("proto", "tcp", "")
	hostIP, hostPort := flags.String("host-ip", "", ""), flags.Int("host-port", 0, "")
	containerIP, containerPort := flags.String("container-ip", "", ""), flags.Int("container-port", 0, "")
	flags.Bool("use-listen-fd", false, "") // newer ones hand over a socket, which is of the wrong network
	if err := flags.Parse(args); err != nil {
		return err
	}
	told := os.NewFile(3, "dockerd")
	socket, err := listen(*protocol, *hostIP, *hostPort)
	if err != nil {
		fmt.Fprintf(told, "1\n%s", err)
		told.Close()
		return err
	}
	fmt.Fprint(told, "0\n")
	told.Close()
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-ends
		os.Exit(0)
	}()
	to := net.JoinHostPort(*containerIP, strconv.Itoa(*containerPort))
	for {
		from, err := socket.Accept()
		if err != nil {
			return err
		}
		go carry(from.(*net.TCPConn), to)
	}
}

// listen opens a socket in the host's network. The thread that does it is never used again: it is of another network.
func listen(protocol, ip string, port int) (net.Listener, error) {
	if protocol != "tcp" || ip != "127.0.0.1" {
		return nil, fmt.Errorf("%s port %d on %q can't be published: only tcp on 127.0.0.1 can, as in -p 127.0.0.1:%d:%d",
			protocol, port, ip, port, port)
	}
	type result struct {
		socket net.Listener
		err    error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread()
		network, err := os.Open(hostNetwork)
		if err == nil {
			err = unix.Setns(int(network.Fd()), unix.CLONE_NEWNET)
		}
		if err != nil {
			done <- result{nil, fmt.Errorf("the host's network: %w", err)}
			return
		}
		socket, err := net.Listen("tcp4", net.JoinHostPort(ip, strconv.Itoa(port)))
		done <- result{socket, err}
	}()
	got := <-done
	return got.socket, got.err
}

// carry copies both ways until both ends are done.
func carry(from *net.TCPConn, address string) {
	defer from.Close()
	dialed, err := net.Dial("tcp4", address)
	if err != nil {
		return
	}
	to := dialed.(*net.TCPConn)
	defer to.Close()
	done := make(chan struct{})
	go func() {
		io.Copy(to, from)
		to.CloseWrite()
		close(done)
	}()
	io.Copy(from, to)
	from.CloseWrite()
	<-done
}
