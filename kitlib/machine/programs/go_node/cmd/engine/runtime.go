package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const unavailable = "CAP_SYS_RESOURCE"

// runtimeWithout is the OCI runtime of an engine whose root lacks CAP_SYS_RESOURCE: it takes that capability, and what
// it alone allows, out of what a container or an exec asks for, and becomes runc. A privileged container asks for all.
func runtimeWithout(args []string) error {
	for _, arg := range args {
		var err error
		switch arg {
		case "create", "run":
			err = amend(filepath.Join(option(args, "--bundle", "-b"), "config.json"), "process")
		case "exec":
			if file := option(args, "--process", "-p"); file != "" {
				err = amend(file, "")
			}
		default:
			continue
		}
		if err != nil && !os.IsNotExist(err) { // runc says it better
			return err
		}
		break
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return err
	}
	return syscall.Exec(runc, append([]string{"runc"}, args...), os.Environ())
}

// option returns the value of an option, which has a long and a short name; "" if it isn't there.
func option(args []string, long, short string) string {
	for i, arg := range args {
		if value, found := strings.CutPrefix(arg, long+"="); found {
			return value
		}
		if (arg == long || arg == short) && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// amend rewrites a file that describes a process, which is the whole document or a field of it.
func amend(file, field string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	document := map[string]any{}
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	process := document
	if field != "" {
		process, _ = document[field].(map[string]any)
	}
	modest(process)
	if text, err = json.Marshal(document); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// modest takes out of a process's description what needs CAP_SYS_RESOURCE: itself, limits, a lead with the OOM killer.
func modest(process map[string]any) {
	sets, _ := process["capabilities"].(map[string]any)
	for set, names := range sets {
		kept := []any{}
		list, _ := names.([]any)
		for _, name := range list {
			if name != unavailable {
				kept = append(kept, name)
			}
		}
		sets[set] = kept
	}
	delete(process, "rlimits")
	if score, _ := process["oomScoreAdj"].(float64); score < 0 {
		delete(process, "oomScoreAdj")
	}
}
