// A router of the registry, a page from a file beside it, and a setting: what most web apps in Go are made of.
package main

import (
	"html/template"
	"log"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/go-chi/chi/v5"
)

func main() {
	page := template.Must(template.ParseFiles("templates/page.html"))
	r := chi.NewRouter()
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		page.Execute(w, map[string]any{
			"Greeting": os.Getenv("GREETING"),
			"Version":  runtime.Version(),
			"Limited":  debug.SetMemoryLimit(-1) < 1<<40,
		})
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), r))
}
