import Config

config :greeter, port: String.to_integer(System.fetch_env!("PORT"))
