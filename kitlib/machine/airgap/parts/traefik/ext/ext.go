// Package ext is what builds of others add to Traefik's dynamic configuration: nothing here.
package ext

type (
	HTTP   struct{}
	Router struct{}
)
