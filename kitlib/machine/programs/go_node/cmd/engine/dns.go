package main

import "net"

// nowhere answers every DNS query with "no such name". It is what the engine's own resolver asks: a lookup of a name
// that is not of this machine fails at once, and with it the pull of an image that isn't there. Without an answer each
// such lookup would take five seconds.
func nowhere(address string) error {
	socket, err := net.ListenPacket("udp", net.JoinHostPort(address, "53"))
	if err != nil {
		return err
	}
	go func() {
		query := make([]byte, 4096)
		for {
			n, from, err := socket.ReadFrom(query)
			if err != nil {
				return
			}
			if answer := noSuchName(query[:n]); answer != nil {
				socket.WriteTo(answer, from)
			}
		}
	}()
	return nil
}

// noSuchName makes the answer to a query: its header, its question, and nothing else. It is nil if that is no query.
func noSuchName(query []byte) []byte {
	const header = 12
	end := header // then labels, each with its length, an empty one, type and class
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5
	if len(query) < header+5 || end > len(query) || query[2]&0x80 != 0 {
		return nil
	}
	answer := append([]byte{}, query[:end]...)
	answer[2] = 0x80 | query[2]&0x79 // a response; the operation and "recursion desired" as they were
	answer[3] = 0x83                 // recursion available; NXDOMAIN
	copy(answer[6:header], make([]byte, 6))
	return answer
}
