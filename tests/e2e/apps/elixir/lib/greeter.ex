defmodule Greeter.Application do
  use Application

  def start(_type, _args) do
    port = Application.fetch_env!(:greeter, :port)

    {:ok, _} =
      :inets.start(:httpd,
        port: port,
        server_name: ~c"greeter",
        server_root: ~c"/tmp",
        document_root: ~c"/tmp",
        modules: [Greeter.Page]
      )

    Supervisor.start_link([], strategy: :one_for_one)
  end
end

defmodule Greeter.Page do
  def unquote(:do)(_info) do
    text = Greeting.to(System.get_env("GREETING"))
    {:proceed, [{:response, {200, String.to_charlist(text)}}]}
  end
end
