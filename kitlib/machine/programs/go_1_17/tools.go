//go:build tools

// Package tools names the programs of others that are compiled beside cmd/..., so that go.mod keeps their versions.
package tools

import (
	_ "github.com/modern-go/reflect2" // newer than in 2020: the map iterator of 1.0.1 panics with today's Go
	_ "go.etcd.io/etcd"
	_ "k8s.io/kube-openapi/cmd/openapi-gen" // makes the one package of Kubernetes that its module lacks
)
