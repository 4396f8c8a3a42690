package main

import (
	"context"
	"flag"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// trial asks for leases with what a file gives the right to, until that is allowed, and tells each new answer: a node's
// first minute, as who needs a lease then lives through it.
func trial(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("trial", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "the file")
	server := flags.String("server", "", "the API server, where that isn't the kubeconfig's")
	every := flags.Duration("every", 100*time.Millisecond, "between two tries")
	if err := parse(flags, args, "kubeconfig"); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags(*server, *kubeconfig)
	if err != nil {
		return err
	}
	config.Timeout = time.Second
	config.QPS = -1 // by default five a second: what is so for half a second only would be missed
	client, err := v1.NewForConfig(config)
	if err != nil {
		return err
	}
	count, last := 0, ""
	for ctx.Err() == nil && last != "allowed" {
		at := now()
		_, err := client.Leases("kube-system").List(ctx, metav1.ListOptions{Limit: 1})
		said := "no answer"
		switch {
		case err == nil:
			said = "allowed"
		case errors.IsForbidden(err):
			said = "forbidden"
		case errors.ReasonForError(err) != metav1.StatusReasonUnknown:
			said = string(errors.ReasonForError(err))
		}
		if count++; said != last {
			at.note("trial", "file", *kubeconfig, "said", said, "tries", count)
			last = said
		}
		select {
		case <-ctx.Done():
		case <-time.After(*every):
		}
	}
	<-ctx.Done() // it isn't started again
	return nil
}
