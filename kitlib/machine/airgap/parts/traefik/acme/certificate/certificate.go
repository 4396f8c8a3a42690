// Package certificate says what Traefik asks for, and what it would be given.
package certificate

import "github.com/go-acme/lego/v5/certcrypto"

type ObtainRequest struct {
	Domains, EmailAddresses  []string
	Bundle, EnableCommonName bool
	Profile, PreferredChain  string
	KeyType                  certcrypto.KeyType
}

type RenewOptions struct {
	EmailAddresses           []string
	Bundle, EnableCommonName bool
	Profile, PreferredChain  string
}

type Resource struct {
	ID                      string
	Domains                 []string
	PrivateKey, Certificate []byte
}
