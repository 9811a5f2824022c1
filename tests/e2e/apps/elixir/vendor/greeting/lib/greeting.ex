defmodule Greeting do
  def to(nil), do: "Hello"
  def to(name), do: "Hello #{name}"
end
