# SPDX-License-Identifier: Apache-2.0
# Where the Gemfile names another patch of Ruby than the stack's, of the same minor version, Bundler would refuse to start, and has no
# setting for it: it is told that
# such a difference is none, at build and at run time. RubyGems loads a file of this
# name when it starts, before Bundler however that is started; this one stands before the system's (RUBYLIB), which it loads first.
here = File.expand_path("../..", __dir__)
$LOAD_PATH.each do |dir|
  file = File.join(dir, "rubygems/defaults/operating_system.rb")
  next if File.expand_path(dir) == here || !File.file?(file)

  require file
  break
end

module Bundler
  module RubyDsl
    prepend(Module.new do
      def ruby(*)
        super
        named = @ruby_version&.versions
        return @ruby_version unless named&.size == 1 && named.first =~ /\A(\d+\.\d+)(\.\d+)?\z/ && RUBY_VERSION.start_with?("#{$1}.")

        minor = $1
        @ruby_version.define_singleton_method(:diff) do |other|
          found = super(other)
          found if found && !(found.first == :version && other.versions.all? { |v| v.to_s.start_with?("#{minor}.") })
        end
        @ruby_version
      end
    end)
  end
end
