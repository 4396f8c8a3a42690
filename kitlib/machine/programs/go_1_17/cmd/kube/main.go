// kube holds the Kubernetes programs of March 2020 that an embedded cluster needs and acts as the one it is called as
// (a link named kube-apiserver, kube-controller-manager, kube-scheduler or kubectl): one link step instead of four.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubectl "k8s.io/kubernetes/pkg/kubectl/cmd"
)

func main() {
	programs := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllers.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubectl":                 kubectl.NewDefaultKubectlCommand,
	}
	name := filepath.Base(os.Args[0])
	command, ok := programs[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "%s: call this program by the name of one of Kubernetes' programs\n", name)
		os.Exit(2)
	}
	if name == "kubectl" { // the others fetch klog's flags by name; kubectl takes all that are there
		pflag.CommandLine.AddGoFlagSet(flag.CommandLine)
	}
	pflag.CommandLine.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	os.Exit(run(command()))
}

func run(command *cobra.Command) int {
	logs.InitLogs()
	defer logs.FlushLogs()
	if command.Execute() != nil {
		return 1
	}
	return 0
}
