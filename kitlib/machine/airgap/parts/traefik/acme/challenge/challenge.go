// Package challenge has what Traefik's own answers to challenges are, and the one error of everything here.
package challenge

import (
	"context"
	"errors"
)

// ErrNone is what whoever configures a certificate resolver reads in Traefik's log.
var ErrNone = errors.New("this build of Traefik has no ACME client: give it certificates as Secrets")

type Provider interface {
	Present(ctx context.Context, domain, token, keyAuth string) error
	CleanUp(ctx context.Context, domain, token, keyAuth string) error
}

// Option stands for all settings of a challenge, none of which is ever used.
type Option struct{}
