defmodule Greeter.MixProject do
  use Mix.Project

  def project do
    [
      app: :greeter,
      version: "0.1.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: [{:greeting, path: "vendor/greeting"}]
    ]
  end

  def application do
    [extra_applications: [:logger, :inets], mod: {Greeter.Application, []}]
  end
end
