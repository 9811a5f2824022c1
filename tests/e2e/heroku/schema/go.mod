module twelve.example/schema

go 1.24

require github.com/heroku/heroku-go/v6 v6.1.0
