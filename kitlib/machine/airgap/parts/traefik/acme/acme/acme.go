// Package acme has an ACME account as Traefik stores it.
package acme

type Account struct {
	Status string `json:"status,omitempty"`
}

type ExtendedAccount struct {
	Account
	Location string
}
