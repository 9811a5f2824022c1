# SPDX-License-Identifier: Apache-2.0
"""
Java: an app of Javalin as its starter makes it, built by Maven with the packages of Maven Central. It is smaller than one of Spring
Boot, which "make apps" has.
"""
import zipfile

import pytest

from conftest import wait_for

POM = """<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>demo</artifactId>
  <version>1.0</version>
  <properties>
    <maven.compiler.release>17</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency><groupId>io.javalin</groupId><artifactId>javalin</artifactId><version>6.6.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>2.0.17</version></dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId><artifactId>maven-shade-plugin</artifactId><version>3.6.0</version>
        <executions><execution><phase>package</phase><goals><goal>shade</goal></goals>
          <configuration><transformers>
            <transformer implementation="org.apache.maven.plugins.shade.resource.ManifestResourceTransformer"><mainClass>com.example.Main</mainClass></transformer>
          </transformers></configuration></execution></executions>
      </plugin>
    </plugins>
  </build>
</project>
"""
MAIN = "src/main/java/com/example/Main.java"
SOURCE = """package com.example;

import io.javalin.Javalin;

public class Main {
	public static void main(String[] args) {
		String database = System.getenv("JDBC_DATABASE_URL");
		Javalin app = Javalin.create();

		app.get("/", ctx -> ctx.result("Hello, Javalin, with " + database));
		app.start(Integer.parseInt(System.getenv("PORT")));
	}
}
"""
WRAPPER = ("wrapperVersion=3.3.2\r\ndistributionType=only-script\r\n"
           "distributionUrl=https\\://repo.maven.apache.org/maven2/org/apache/maven/apache-maven/3.9.9/apache-maven-3.9.9-bin.zip\r\n")


@pytest.fixture(scope="module")
def javalin(platform, tmp_path_factory):
    where = tmp_path_factory.mktemp("javalin")
    for name, text in {"pom.xml": POM, MAIN: SOURCE, ".mvn/wrapper/maven-wrapper.properties": WRAPPER}.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text)
    platform.git(where, "init", "-q", "-b", "main")
    platform.commit(where, "first")
    platform.create("javalin", where)
    platform.cli("config:set", "DATABASE_URL=postgres://ada:pw@db.example:5432/shop", "-a", "javalin")
    yield where, platform.push(where)
    platform.cli("destroy", "-a", "javalin", "--confirm", "javalin", check=False)


def test_it_answers_and_knows_its_database(platform, javalin):
    _, pushed = javalin
    assert "Java app, by the buildpack java" in pushed.err and "Using Java 21" in pushed.err
    assert "Running Maven 3.9.9: mvn -DskipTests clean install" in pushed.err, "the wrapper's version, whatever its line ends"
    assert platform.get("javalin") == (200, "Hello, Javalin, with jdbc:postgresql://db.example:5432/shop?user=ada&password=pw")


def test_a_one_off_has_java_and_the_jar_no_dates(platform, javalin):
    ran = platform.cli("run", "-a", "javalin", "--", "java -XshowSettings:properties -version 2>&1 | grep -E 'java.version =|file.encoding ='; ls; ls target")
    assert "java.version = 21." in ran.out and "file.encoding = UTF-8" in ran.out
    assert "demo-1.0.jar" in ran.out.split() and "maven-status" not in ran.out.split() and "original-demo-1.0.jar" not in ran.out.split()
    slug = platform.api("GET", "/apps/javalin/builds")[1][0]["twelve"]["slug"]
    with zipfile.ZipFile(platform.state / "slugs" / slug / "app/target/demo-1.0.jar") as z:
        assert z.getinfo("com/example/Main.class").date_time[:3] == (2024, 1, 1)


def test_a_second_push_has_its_packages_and_a_rollback_returns(platform, javalin):
    where, _ = javalin
    (where / MAIN).write_text(SOURCE.replace("Hello", "Goodbye"))
    platform.commit(where, "second")
    second = platform.push(where)
    assert "Fetching https://repo" not in second.err, "Maven is kept"
    assert platform.get("javalin")[1].startswith("Goodbye, Javalin")
    platform.cli("rollback", "-a", "javalin")
    wait_for(lambda: platform.get("javalin")[1].startswith("Hello, Javalin"), "the first page")


def test_an_error_of_the_compiler_is_named(platform, javalin):
    where, _ = javalin
    (where / MAIN).write_text(SOURCE.replace("String database", "Strin database"))
    platform.commit(where, "third")
    failed = platform.push(where, check=False)
    assert failed.code != 0 and f" !     {MAIN}:7: cannot find symbol" in failed.err, failed.err
    platform.git(where, "reset", "-q", "--hard", "HEAD~1")
