// Package dns01 accepts the settings of a DNS challenge.
package dns01

import (
	"strings"
	"time"

	"github.com/go-acme/lego/v5/challenge"
)

type (
	Client  struct{}
	Options struct{ RecursiveNameservers []string }
)

func NewClient(*Options) *Client { return nil }

func SetDefaultClient(*Client) {}

func CondOptions(bool, ...challenge.Option) challenge.Option { return challenge.Option{} }

func DisableAuthoritativeNssPropagationRequirement() challenge.Option { return challenge.Option{} }

func DisableRecursiveNSsPropagationRequirement() challenge.Option { return challenge.Option{} }

func PropagationWait(time.Duration, bool) challenge.Option { return challenge.Option{} }

// UnFqdn takes the dot from a name's end; Traefik's own TLS needs it.
func UnFqdn(name string) string { return strings.TrimSuffix(name, ".") }
