// SPDX-License-Identifier: Apache-2.0

// Infrastructure as code with the published Go client, as somebody would write it for Heroku: reads a
// declaration from standard input, changes what differs, and prints each change. See ../../test_heroku_iac.py.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	heroku "github.com/heroku/heroku-go/v5"
)

type dynos struct {
	Quantity int
	Size     string
}

type app struct {
	Config    map[string]string
	Addons    []string
	Drains    []string
	Domains   []string
	Formation map[string]dynos
}

type declaration struct {
	Apps      map[string]app
	Pipelines map[string]map[string]string
}

var (
	ctx    = context.Background()
	client = heroku.NewService(&http.Client{Transport: &heroku.Transport{BearerToken: os.Getenv("HEROKU_API_KEY")}})
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// There is nothing by that name; any other error ends the program.
func missing(err error) bool {
	if err == nil {
		return false
	}
	var e heroku.Error
	if errors.As(err, &e) && e.StatusCode == http.StatusNotFound {
		return true
	}
	check(err)
	return false
}

func changed(err error, what string, args ...interface{}) {
	check(err)
	fmt.Printf(what+"\n", args...)
}

// Calls create for each that is wanted and not there.
func makeMissing(kind string, want []string, have map[string]bool, create func(string) error) {
	for _, name := range want {
		if !have[name] {
			changed(create(name), "%s %s", kind, name)
		}
	}
}

func config(name string, want map[string]string) {
	have, err := client.ConfigVarInfoForApp(ctx, name)
	check(err)
	differ := map[string]*string{}
	for k, v := range want {
		if value := v; have[k] == nil || *have[k] != v {
			differ[k] = &value
		}
	}
	if len(differ) > 0 {
		_, err = client.ConfigVarUpdate(ctx, name, differ)
		changed(err, "config %d", len(differ))
	}
}

func addons(name string, want []string) {
	list, err := client.AddOnListByApp(ctx, name, &heroku.ListRange{Field: "id", Max: 1000})
	check(err)
	have := map[string]bool{}
	for _, a := range list {
		have[a.Plan.Name] = true
	}
	makeMissing("addon", want, have, func(plan string) error {
		_, err := client.AddOnCreate(ctx, name, heroku.AddOnCreateOpts{Plan: plan})
		return err
	})
}

func drains(name string, want []string) {
	list, err := client.LogDrainList(ctx, name, nil)
	check(err)
	have := map[string]bool{}
	for _, d := range list {
		have[d.URL] = true
	}
	makeMissing("drain", want, have, func(url string) error {
		_, err := client.LogDrainCreate(ctx, name, heroku.LogDrainCreateOpts{URL: url})
		return err
	})
}

func domains(name string, want []string) {
	list, err := client.DomainList(ctx, name, &heroku.ListRange{Field: "hostname", Max: 1000})
	check(err)
	have := map[string]bool{}
	for _, d := range list {
		have[d.Hostname] = true
	}
	makeMissing("domain", want, have, func(host string) error {
		_, err := client.DomainCreate(ctx, name, heroku.DomainCreateOpts{Hostname: host})
		return err
	})
}

func formation(name string, want map[string]dynos) {
	list, err := client.FormationList(ctx, name, nil)
	check(err)
	have := map[string]dynos{}
	for _, f := range list {
		have[f.Type] = dynos{f.Quantity, f.Size}
	}
	opts := heroku.FormationBatchUpdateOpts{}
	for t, w := range want {
		if have[t] != w {
			quantity, size := w.Quantity, w.Size
			opts.Updates = append(opts.Updates, struct {
				Quantity *int    `json:"quantity,omitempty" url:"quantity,omitempty,key"`
				Size     *string `json:"size,omitempty" url:"size,omitempty,key"`
				Type     string  `json:"type" url:"type,key"`
			}{&quantity, &size, t})
		}
	}
	if len(opts.Updates) > 0 {
		_, err = client.FormationBatchUpdate(ctx, name, opts)
		changed(err, "formation %d", len(opts.Updates))
	}
}

func pipeline(name string, stages map[string]string) {
	pipe, err := client.PipelineInfo(ctx, name)
	if missing(err) {
		pipe, err = client.PipelineCreate(ctx, heroku.PipelineCreateOpts{Name: name})
		changed(err, "pipeline %s", name)
	}
	couplings, err := client.PipelineCouplingListByPipeline(ctx, pipe.ID, nil)
	check(err)
	have := map[string]string{}
	for _, c := range couplings {
		have[c.App.ID] = c.Stage
	}
	for app, stage := range stages {
		info, err := client.AppInfo(ctx, app)
		check(err)
		if have[info.ID] != stage {
			_, err = client.PipelineCouplingCreate(ctx, heroku.PipelineCouplingCreateOpts{App: info.ID, Pipeline: pipe.ID, Stage: stage})
			changed(err, "coupling %s", app)
		}
	}
}

func main() {
	want := declaration{}
	check(json.NewDecoder(os.Stdin).Decode(&want))
	client.URL = os.Getenv("HEROKU_HOST")
	for name, a := range want.Apps {
		if _, err := client.AppInfo(ctx, name); missing(err) {
			n := name
			_, err = client.AppCreate(ctx, heroku.AppCreateOpts{Name: &n})
			changed(err, "app %s", name)
		}
		config(name, a.Config)
		addons(name, a.Addons)
		drains(name, a.Drains)
		domains(name, a.Domains)
		formation(name, a.Formation)
	}
	for name, stages := range want.Pipelines {
		pipeline(name, stages)
	}
}
