package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

const edns = "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00" // answers may have 4,096 bytes

var (
	recordTypes = map[string]int{"A": 1, "CNAME": 5, "PTR": 12, "TXT": 16, "AAAA": 28, "SRV": 33}
	rcodes      = []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}
	dnsName     = formOf(`(?:[^.\s]{1,63}\.)*[^.\s]{1,63}\.?`, "a name of labels with up to 63 bytes, or an address for PTR")
	dnsTypes    = formOf(`(?:A|CNAME|PTR|TXT|AAAA|SRV|,)+`, "A, AAAA, SRV, PTR, CNAME, TXT, or several with commas")
)

type resolver struct {
	Servers []string `json:"servers"`
	Search  []string `json:"search"`
	Ndots   int      `json:"ndots"`
}

func readResolver(file string) resolver {
	found := resolver{Servers: []string{}, Search: []string{}, Ndots: 1}
	for _, line := range strings.Split(content(file), "\n") {
		key, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		words := strings.Fields(rest)
		switch {
		case key == "nameserver" && len(words) > 0:
			found.Servers = append(found.Servers, net.JoinHostPort(words[0], "53"))
		case key == "search":
			found.Search = words
		case key == "options":
			for _, word := range words {
				if value, ok := strings.CutPrefix(word, "ndots:"); ok {
					found.Ndots, _ = strconv.Atoi(value)
				}
			}
		}
	}
	return found
}

// candidates returns the names to ask for, in the C library's order.
func (r resolver) candidates(name string) []string {
	if strings.HasSuffix(name, ".") {
		return []string{name}
	}
	all := []string{}
	for _, domain := range r.Search {
		all = append(all, name+"."+strings.TrimSuffix(domain, ".")+".")
	}
	if strings.Count(name, ".") >= r.Ndots {
		return slices.Insert(all, 0, name+".")
	}
	return append(all, name+".")
}

// lookUp asks as a program in this container would, and tells every query; once, or every so often.
func lookUp(ctx context.Context, given *options, say func(pairs)) error {
	given.known("name", "type", "server", "search", "resolv-conf", "timeout", "every", "for")
	how := readResolver(given.text("resolv-conf", "/etc/resolv.conf", path))
	if given.Has("server") {
		how.Servers = []string{given.text("server", "", host)}
	}
	if given.text("search", "on", onOff) == "off" {
		how.Search = nil
	}
	name, types := given.Get("name"), strings.Split(given.text("type", "A,AAAA", dnsTypes), ",")
	timeout, every, total := given.span("timeout", "5s"), given.span("every", "never"), given.span("for", "0s")
	if ip, err := netip.ParseAddr(name); err == nil && types[0] == "PTR" {
		name = reverse(ip)
	}
	if err := dnsName.check("name", name); given.wrong == nil {
		given.wrong = err
	}
	if given.wrong == nil && len(how.Servers) == 0 {
		given.wrong = fmt.Errorf("no server is known: use --server HOST:PORT")
	}
	if given.wrong != nil {
		return given.wrong
	}
	for begin := time.Now(); ; {
		say(how.resolve(ctx, name, types, timeout))
		if every > total-time.Since(begin) || !pause(ctx, every) {
			return nil
		}
	}
}

// resolve asks for one candidate after the other until there is an answer.
func (r resolver) resolve(ctx context.Context, name string, types []string, timeout time.Duration) pairs {
	begin, queries, answers := now(), []pairs{}, []pairs{}
	for _, candidate := range r.candidates(name) {
		for _, kind := range types {
			for _, server := range r.Servers {
				at := now()
				rcode, found, err := query(ctx, server, candidate, recordTypes[kind], timeout)
				line := at.line("took_ns", at.took(), "name", candidate, "type", kind, "server", server)
				if err != nil {
					queries = append(queries, append(line, "error", explain(err)))
					continue // to the next server
				}
				queries = append(queries, append(line, "rcode", rcode, "answers", len(found)))
				answers = append(answers, found...)
				break
			}
		}
		if len(answers) > 0 || ctx.Err() != nil {
			break
		}
	}
	return begin.line("took_ns", begin.took(), "name", name, "queries", queries, "answers", answers)
}

func query(ctx context.Context, server, name string, kind int, timeout time.Duration) (string, []pairs, error) {
	message := binary.BigEndian.AppendUint16(nil, uint16(rand.Uint32()))
	message = append(message, "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"...) // recursion desired, one question, EDNS
	for _, label := range strings.Split(strings.TrimSuffix(name, "."), ".") {
		message = append(append(message, byte(len(label))), label...)
	}
	message = append(append(message, 0, 0, byte(kind), 0, 1), edns...)
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	connection, err := (&net.Dialer{}).DialContext(ctx, "udp", server)
	if err != nil {
		return "", nil, err
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, func() { _ = connection.SetDeadline(time.Now()) })()
	if _, err = connection.Write(message); err != nil {
		return "", nil, err
	}
	answer := make([]byte, 65535)
	for {
		n, err := connection.Read(answer)
		if err != nil {
			return "", nil, err
		}
		if n >= 12 && string(answer[:2]) == string(message[:2]) { // else it is a late one
			return parse(answer[:n])
		}
	}
}

// A reader goes through a message; what lies beyond its end reads as nothing, and is remembered.
type reader struct {
	message []byte
	at      int
	short   bool
}

func (r *reader) take(n int) []byte {
	if r.short = r.short || r.at+n > len(r.message); r.short {
		return make([]byte, n)
	}
	r.at += n
	return r.message[r.at-n : r.at]
}

func (r *reader) number() int { return int(binary.BigEndian.Uint16(r.take(2))) }

// name reads a name, which may go on earlier in the message.
func (r *reader) name() string {
	for out := ""; len(out) < 256; {
		switch length := int(r.take(1)[0]); {
		case length >= 0xc0:
			earlier := &reader{message: r.message[:r.at-1]}
			earlier.at = (length&0x3f)<<8 | int(r.take(1)[0])
			out += earlier.name()
			r.short = r.short || earlier.short
			return out
		case length == 0 && out == "":
			return "."
		case length == 0:
			return out
		default:
			out += string(r.take(length)) + "."
		}
	}
	r.short = true
	return ""
}

func parse(message []byte) (string, []pairs, error) {
	r, found := &reader{message: message, at: 2}, []pairs{}
	flags, questions, records := r.number(), r.number(), r.number()
	r.take(4)
	for ; questions > 0 && !r.short; questions-- {
		r.name()
		r.take(4)
	}
	for ; records > 0 && !r.short; records-- {
		name, kind := r.name(), r.number()
		r.take(2)
		ttl := binary.BigEndian.Uint32(r.take(4))
		length := r.number()
		data := &reader{message: r.message[:min(r.at+length, len(message))], at: r.at}
		r.take(length)
		found = append(found, pairs{"name", name, "type", typeName(kind), "ttl", ttl, "data", data.record(kind, length)})
		r.short = r.short || data.short
	}
	if r.short || flags&0x200 != 0 {
		return "", nil, fmt.Errorf("the answer is cut short")
	}
	if flags&15 < len(rcodes) {
		return rcodes[flags&15], found, nil
	}
	return strconv.Itoa(flags & 15), found, nil
}

func typeName(kind int) string {
	for name, number := range recordTypes {
		if number == kind {
			return name
		}
	}
	return strconv.Itoa(kind)
}

// record reads a record's data.
func (r *reader) record(kind, length int) string {
	switch typeName(kind) {
	case "A", "AAAA":
		ip, _ := netip.AddrFromSlice(r.take(length))
		return ip.String()
	case "CNAME", "PTR":
		return r.name()
	case "SRV":
		return fmt.Sprintf("%d %d %d %s", r.number(), r.number(), r.number(), r.name())
	case "TXT":
		out := ""
		for end := r.at + length; r.at < end && !r.short; {
			out += string(r.take(int(r.take(1)[0])))
		}
		return out
	}
	return fmt.Sprintf("%x", r.take(length))
}

// reverse returns the name under which an address has its PTR record.
func reverse(ip netip.Addr) string {
	out := "in-addr.arpa."
	if ip.Is6() {
		out = "ip6.arpa."
	}
	for _, part := range ip.AsSlice() {
		if ip.Is4() {
			out = fmt.Sprintf("%d.%s", part, out)
		} else {
			out = fmt.Sprintf("%x.%x.%s", part&15, part>>4, out)
		}
	}
	return out
}
