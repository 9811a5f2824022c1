module twelve.example/logplex

go 1.26.0

require github.com/heroku/x v0.5.3

require github.com/pkg/errors v0.9.1 // indirect
