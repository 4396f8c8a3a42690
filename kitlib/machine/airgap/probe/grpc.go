package main

import (
	"encoding/binary"
	"io"
	"net/http"
	"strconv"
)

// grpcHealth answers grpc.health.v1.Health/Check; the request's service is the probe's kind, none means readiness.
//
// Both messages have one field, number 1: a string in the request, in the answer 1 (SERVING) or 2 (NOT_SERVING).
func grpcHealth(w http.ResponseWriter, r *http.Request) {
	const invalid, notFound, unimplemented = 3, 5, 12
	kind, ok := grpcService(r.Body)
	if kind == "" {
		kind = "readiness"
	}
	code := 0
	w.Header().Set("Content-Type", "application/grpc")
	switch {
	case r.URL.Path != "/grpc.health.v1.Health/Check":
		code = unimplemented
	case !ok:
		code = invalid
	case !listed(kinds, kind):
		code = notFound
	case isOK(answerProbe(r.Context(), kind, "grpc", r.UserAgent())):
		_, _ = w.Write([]byte{0, 0, 0, 0, 2, 0x08, 1})
	default:
		_, _ = w.Write([]byte{0, 0, 0, 0, 2, 0x08, 2})
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", strconv.Itoa(code))
}

// grpcService reads the one message of a request: a byte that says it isn't compressed, its length, its content.
func grpcService(body io.Reader) (string, bool) {
	text, err := io.ReadAll(io.LimitReader(body, 1024))
	if err != nil || len(text) < 5 || text[0] != 0 || int(binary.BigEndian.Uint32(text[1:])) != len(text)-5 {
		return "", false
	}
	message := text[5:]
	if len(message) == 0 {
		return "", true
	}
	size, used := binary.Uvarint(message[1:])
	if message[0] != 0x0a || used <= 0 || size != uint64(len(message)-1-used) {
		return "", false
	}
	return string(message[1+used:]), true
}
