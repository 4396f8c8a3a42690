// Package tlsalpn01 accepts the settings of a TLS challenge.
package tlsalpn01

import (
	"time"

	"github.com/go-acme/lego/v5/challenge"
)

const ACMETLS1Protocol = "acme-tls/1"

func SetDelay(time.Duration) challenge.Option { return challenge.Option{} }

func ChallengeBlocks(domain, keyAuth string) (certificate, key []byte, err error) {
	return nil, nil, challenge.ErrNone
}
