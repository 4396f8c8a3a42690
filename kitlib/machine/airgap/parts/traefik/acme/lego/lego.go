// Package lego is a client that can't be made: each of its calls fails with the same sentence.
package lego

import (
	"context"
	"crypto/x509"
	"net/http"
	"time"

	"github.com/go-acme/lego/v5/acme"
	"github.com/go-acme/lego/v5/certificate"
	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/registration"
)

// DirectoryURLLetsEncrypt is nowhere: nothing is ever asked of it.
const DirectoryURLLetsEncrypt = ""

type Config struct {
	CADirURL, UserAgent string
	HTTPClient          *http.Client
	Certificate         struct{ Timeout time.Duration }
}

type Client struct {
	Certificate  certificates
	Challenge    challenges
	Registration registrations
}

type (
	certificates  struct{}
	challenges    struct{}
	registrations struct{}
)

func NewConfig(any) *Config { return &Config{} }

func NewClient(*Config) (*Client, error) { return nil, challenge.ErrNone }

func CreateCertPool([]string, bool) (*x509.CertPool, error) { return nil, challenge.ErrNone }

func (certificates) Obtain(context.Context, certificate.ObtainRequest) (*certificate.Resource, error) {
	return nil, challenge.ErrNone
}

func (certificates) Renew(context.Context, certificate.Resource, *certificate.RenewOptions) (*certificate.Resource, error) {
	return nil, challenge.ErrNone
}

func (challenges) SetDNS01Provider(challenge.Provider, ...challenge.Option) error {
	return challenge.ErrNone
}

func (challenges) SetHTTP01Provider(challenge.Provider, ...challenge.Option) error {
	return challenge.ErrNone
}

func (challenges) SetTLSALPN01Provider(challenge.Provider, ...challenge.Option) error {
	return challenge.ErrNone
}

func (registrations) Register(context.Context, registration.RegisterOptions) (*acme.ExtendedAccount, error) {
	return nil, challenge.ErrNone
}

func (registrations) RegisterWithExternalAccountBinding(context.Context, registration.RegisterEABOptions) (*acme.ExtendedAccount, error) {
	return nil, challenge.ErrNone
}
