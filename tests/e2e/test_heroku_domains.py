# SPDX-License-Identifier: Apache-2.0
"""The heroku CLI against a real twelved: domains, certificates, buildpacks."""
import re


def test_buildpacks(heroku, alpha):
    platform = heroku.platform

    def installed():
        return [b["buildpack"]["url"] for b in platform.api("GET", f"/apps/{alpha}/buildpack-installations")[1]]

    assert "has no Buildpacks" in heroku("buildpacks", app=alpha).out
    x, y = "https://127.0.0.1:1/x/x", "https://127.0.0.1:1/x/y"
    heroku("buildpacks:set", x, app=alpha)
    heroku("buildpacks:add", y, app=alpha)
    assert installed() == [x, y]
    assert [line.split()[-1] for line in heroku("buildpacks", app=alpha).out.splitlines()[2:] if line] == [x, y]
    heroku("buildpacks:remove", x, app=alpha)
    assert installed() == [y]
    heroku("buildpacks:set", "heroku/nodejs", app=alpha)
    assert installed() == ["nodejs"]
    assert "heroku/ruby" not in heroku("buildpacks", app=alpha).out
    assert "has to be a name" in heroku("buildpacks:set", "heroku/ruby", app=alpha, code=2).err
    heroku("buildpacks:clear", app=alpha)
    assert installed() == []
