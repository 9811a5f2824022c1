# SPDX-License-Identifier: Apache-2.0
"""Java by the files alone: the version that an app asks for, what is started of what was built, databases as JDBC names them."""
import os
import subprocess
import zipfile

import pytest

from test_buildpacks import BUILDPACKS, run, sh, tree

PACK = BUILDPACKS / "java"
WRAPPER = "gradle/wrapper/gradle-wrapper.properties"


def asked(tmp_path, files):
    done = subprocess.run(["perl", PACK / "version.pl", tree(tmp_path, files)], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("files,says", [
    ({"system.properties": "# x\njava.runtime.version=21\n"}, ["set\tsystem.properties:2\t21"]),
    ({"system.properties": "java.runtime.version = 1.8\r\n"}, ["set\tsystem.properties:1\t8"]),
    ({"system.properties": "java.runtime.version=zulu-17.0.1\n"}, ["set\tsystem.properties:1\t17"]),
    ({"system.properties": "maven.version=3.9.4\n"}, []),
    ({".java-version": "temurin-21.0.5+11\n"}, ["set\t.java-version:1\t21"]),
    ({".tool-versions": "nodejs 20\njava openjdk-25\n"}, ["set\t.tool-versions:2\t25"]),
    ({".sdkmanrc": "java=21.0.4-tem\n"}, ["set\t.sdkmanrc:1\t21"]),
    ({"pom.xml": "<project>\n<java.version>17</java.version>\n<maven.compiler.release> 21 </maven.compiler.release>"}, ["code\tpom.xml:2\t17", "code\tpom.xml:3\t21"]),
    ({"pom.xml": "<!-- <java.version>25</java.version> --><release>${java.version}</release>"}, []),
    ({"pom.xml": "<project/>", "web/pom.xml": "<source>1.8</source>"}, ["code\tweb/pom.xml:1\t8"]),
    ({"build.gradle": "java {\n  toolchain { languageVersion = JavaLanguageVersion.of(17) }\n}\n"}, ["code\tbuild.gradle:2\t17"]),
    ({"build.gradle": "sourceCompatibility = '1.8'\n// jvmToolchain(25)\n"}, ["code\tbuild.gradle:1\t8"]),
    ({"build.gradle.kts": "java.sourceCompatibility = JavaVersion.VERSION_21\n"}, ["code\tbuild.gradle.kts:1\t21"]),
    ({"build.gradle.kts": "kotlin { jvmToolchain(21) }\n"}, ["code\tbuild.gradle.kts:1\t21"]),
    ({WRAPPER: "distributionBase=x\ndistributionUrl=https\\://services.gradle.org/distributions/gradle-8.5-bin.zip\n"}, [f"gradle\t{WRAPPER}:2\t21"]),
    ({WRAPPER: "distributionUrl=https\\://services.gradle.org/distributions/gradle-8.10.2-all.zip\n"}, [f"gradle\t{WRAPPER}:1\t23"]),
    ({WRAPPER: "distributionUrl=https\\://services.gradle.org/distributions/gradle-9.1.0-bin.zip\n"}, [f"gradle\t{WRAPPER}:1\t25"]),
    ({WRAPPER: "distributionUrl=https\\://services.gradle.org/distributions/gradle-6.9.4-bin.zip\n"}, [f"gradle\t{WRAPPER}:1\t15"]),
])
def test_what_is_asked_for(tmp_path, files, says):
    assert asked(tmp_path, files) == says


def choose(tmp_path, debian, files):
    tree(tmp_path, files)
    done = sh(f'pack_dir="{PACK}"; source "{PACK}/jdk.sh"; debian_version() {{ echo {debian}; }}; cd "{tmp_path}"; choose_java; echo "$java|$refusal"')
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split("|")


def gradle(version):
    return {"build.gradle": "", WRAPPER: f"distributionUrl=https\\://services.gradle.org/distributions/gradle-{version}-bin.zip\n"}


@pytest.mark.parametrize("debian,files,java", [
    (13, {"pom.xml": ""}, "25"),
    (13, {"pom.xml": "<java.version>17</java.version>"}, "21"),
    (13, {"pom.xml": "<java.version>21</java.version>"}, "21"),
    (13, {"pom.xml": "<java.version>25</java.version>"}, "25"),
    (13, {"pom.xml": "<java.version>21</java.version>", "system.properties": "java.runtime.version=25"}, "25"),
    (12, {"pom.xml": "<java.version>11</java.version>"}, "17"),
    (13, gradle("8.5"), "21"),
    (13, gradle("9.1"), "25"),
    (12, gradle("7.6"), "17"),
    # A Maven build does not run Gradle, whatever lies beside it.
    (13, {"pom.xml": "", **gradle("7.6")}, "25"),
])
def test_which_java(tmp_path, debian, files, java):
    assert choose(tmp_path, debian, files) == [java, ""]


@pytest.mark.parametrize("debian,files,says", [
    (12, {"pom.xml": "<java.version>21</java.version>"},
     "pom.xml:1 asks for Java 21, and this stack (Debian 12) has 17: the stack debian-13 has Java 21 (twelve stack:set debian-13)."),
    (13, {"system.properties": "java.runtime.version=27"}, "system.properties:1 asks for Java 27, and this stack (Debian 13) has 21 and 25: ask for one of these there."),
    (13, gradle("7.6.1"), f"{WRAPPER}:1 names a Gradle that runs on Java 19 at most, and this stack (Debian 13) has 21 and 25: "
     "raise it (gradle wrapper --gradle-version 8.14.3), or the stack debian-12 has Java 17 (twelve stack:set debian-12)."),
])
def test_no_java_fits(tmp_path, debian, files, says):
    assert choose(tmp_path, debian, files) == ["", says]


def jar(path, size=0, **attributes):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n" + "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in attributes.items()))
        z.writestr("data", b"x" * size)


SPRING = {"Main_Class": "org.springframework.boot.loader.launch.JarLauncher", "Spring_Boot_Version": "3.4.5"}


@pytest.mark.parametrize("jars,web", [
    ({"target/demo.jar": SPRING, "target/demo-sources.jar": {}}, "java -Dserver.port=$PORT $JAVA_OPTS -jar target/demo.jar"),
    ({"build/libs/demo.jar": SPRING, "build/libs/demo-plain.jar": {"Main_Class": "x"}}, "java -Dserver.port=$PORT $JAVA_OPTS -jar build/libs/demo.jar"),
    ({"target/a.jar": {"Main_Class": "Main"}, "target/a-jar-with-dependencies.jar": {"Main_Class": "Main", "size": 5000}}, "java $JAVA_OPTS -jar target/a-jar-with-dependencies.jar"),
    ({"target/original-a.jar": {"Main_Class": "Main", "size": 9000}, "target/a.jar": {"Main_Class": "Main"}}, "java $JAVA_OPTS -jar target/a.jar"),
    ({"core/target/core.jar": {}, "web/target/web.jar": SPRING}, "java -Dserver.port=$PORT $JAVA_OPTS -jar web/target/web.jar"),
    ({"target/quarkus-app/quarkus-run.jar": {"Main_Class": "x"}, "target/a.jar": {}}, "java $JAVA_OPTS -Dquarkus.http.host=0.0.0.0 -Dquarkus.http.port=$PORT -jar target/quarkus-app/quarkus-run.jar"),
    ({"build/libs/k-all.jar": {"Main_Class": "io.ktor.server.netty.EngineMain"}}, "java $JAVA_OPTS -jar build/libs/k-all.jar -port=$PORT -host=0.0.0.0"),
    ({"target/shop.war": SPRING}, "java -Dserver.port=$PORT $JAVA_OPTS -jar target/shop.war"),
    ({"target/a.jar": {}}, ""),
    ({}, ""),
])
def test_what_is_started(tmp_path, jars, web):
    for name, attributes in jars.items():
        jar(tmp_path / name, **attributes)
    done = run("java", "web", tmp_path, "jar")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, web, "")
    # After a build it is what bin/release says.
    (tmp_path / ".twelve/java").mkdir(parents=True)
    assert run("java", "release", tmp_path).stdout == (f'---\ndefault_process_types:\n  web: "{web}"\n' if web else "--- {}\n")


def test_a_script_of_gradles_application_plugin(tmp_path):
    tree(tmp_path, {"build/install/shop/bin/shop": "", "build/install/shop/bin/shop.bat": ""})
    (tmp_path / "build/install/shop/bin/shop").chmod(0o755)
    assert run("java", "web", tmp_path, "jar").stdout == "build/install/shop/bin/shop\n"


def test_a_class_of_exec_maven_plugin(tmp_path):
    tree(tmp_path, {"pom.xml": "<plugin>\n<artifactId>exec-maven-plugin</artifactId>\n<configuration>\n<mainClass>com.example.Main</mainClass>"})
    assert run("java", "web", tmp_path, "class").stdout == "com.example.Main"


@pytest.mark.parametrize("files,runs", [
    ({"pom.xml": "<artifactId>spring-boot-maven-plugin</artifactId>"}, True),
    # A large one, of which the rest is not read any more.
    ({"pom.xml": "<artifactId>spring-boot-maven-plugin</artifactId>\n" + "<x/>\n" * 40000}, True),
    ({"pom.xml": "<project/>"}, False),
    ({"build.gradle": "plugins { id 'application' }\n"}, True),
    ({"build.gradle.kts": "plugins { java }\n"}, False),
    ({"pom.xml": "", "web/pom.xml": "<packaging>war</packaging>"}, True),
])
def test_that_there_will_be_something_to_run_is_known_before(tmp_path, files, runs):
    assert ("web:" in run("java", "release", tree(tmp_path, files)).stdout) == runs


def jdbc(**env):
    done = subprocess.run(["perl", PACK / "jdbc.pl"], capture_output=True, text=True, env=env, check=True)
    shown = subprocess.run(["sh", "-c", 'eval "$1"; env -0', "sh", done.stdout], capture_output=True, text=True, env=env, check=True).stdout
    return {k: v for k, v in (e.split("=", 1) for e in shown.split("\0") if e) if k not in env and k != "PWD"}


def test_databases_as_jdbc_names_them():
    assert jdbc(DATABASE_URL="postgres://ada:p%40w+d'@db:5432/shop?sslmode=require") == {
        "JDBC_DATABASE_URL": "jdbc:postgresql://db:5432/shop?user=ada&password=p%40w%2Bd'&sslmode=require",
        "JDBC_DATABASE_USERNAME": "ada", "JDBC_DATABASE_PASSWORD": "p@w+d'",
        "SPRING_DATASOURCE_URL": "jdbc:postgresql://db:5432/shop?user=ada&password=p%40w%2Bd'&sslmode=require",
        "SPRING_DATASOURCE_USERNAME": "ada", "SPRING_DATASOURCE_PASSWORD": "p@w+d'",
    }
    assert jdbc(OTHER_URL="mysql2://u:p@h/d", API_URL="https://u:p@h/d", JDBC_DATABASE_URL="x", DATABASE_URL="postgres://h/d", SPRING_DATASOURCE_URL="mine") == {
        "OTHER_JDBC_URL": "jdbc:mysql://h/d?user=u&password=p", "OTHER_JDBC_USERNAME": "u", "OTHER_JDBC_PASSWORD": "p",
        "JDBC_DATABASE_USERNAME": "", "JDBC_DATABASE_PASSWORD": "",
    }
    assert jdbc(DATABASE_URL="no address", X_URL="postgres:", REDIS_URL="redis://h:1") == {"SPRING_DATA_REDIS_URL": "redis://h:1"}
    assert "SPRING_DATASOURCE_URL" not in jdbc(DATABASE_URL="postgres://h/d", DISABLE_SPRING_DATASOURCE_URL="true")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_profile_leaves_what_a_person_set(tmp_path, shell):
    script = (PACK / "profile.sh").read_text().replace("/app/.twelve/java/jdbc.pl", str(PACK / "jdbc.pl"))

    def env(**given):
        done = subprocess.run([shell, "-euc", script + '\necho "$JAVA_TOOL_OPTIONS|${SERVER_PORT:-}|${QUARKUS_HTTP_HOST:-}"'], capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], **given}, check=True)
        return done.stdout.strip().split("|")

    assert env(PORT="5000")[1:] == ["5000", "0.0.0.0"] and "-Dfile.encoding=UTF-8" in env()[0]
    assert env(PORT="5000", SERVER_PORT="1", JAVA_TOOL_OPTIONS="-Xmx1g")[:2] == ["-Xmx1g", "1"]
    assert env(JAVA_TOOL_OPTIONS="-Dx=y")[0].endswith(" -Dx=y")
    assert env()[1:] == ["", ""]


MAVEN_ERRORS = [
    ("[ERROR] Failed to execute goal on project demo: Could not resolve dependencies: Could not transfer artifact a:b:jar:1 from/to central (https://me:pw@repo.example/maven2): repo.example: Unknown host",
     "https://repo.example/maven2 cannot be reached from the build"),
    ("[ERROR] Could not find artifact com.example:nothing:jar:9 in central (https://repo.maven.apache.org/maven2)", "pom.xml asks for com.example:nothing:jar:9, which the repositories do not have"),
    ("[ERROR] COMPILATION ERROR : \n[ERROR] /app/src/main/java/Main.java:[3,25] cannot find symbol\n[ERROR] Failed to execute goal x", "src/main/java/Main.java:3: cannot find symbol"),
    ("[ERROR] file:///app/src/main/kotlin/Main.kt:5:9 Unresolved reference 'x'.", "src/main/kotlin/Main.kt:5: Unresolved reference 'x'."),
    ("[FATAL] Non-parseable POM /app/pom.xml: expected > (position: x) @ line 3, column 4", "pom.xml: expected > (position: x) @ line 3, column 4"),
    ("[ERROR] Fatal error compiling: error: release version 25 not supported -> [Help 1]", "The pom asks for code of Java 25, which Java 21 does not make"),
    ("[ERROR] Failed to execute goal org.x:some-plugin:1:check (default) on project demo: no", "The goal org.x:some-plugin:1:check failed: Maven's words above say why."),
    ("java.lang.OutOfMemoryError: Java heap space", "Maven could not build the app."),
    ("what", "Maven could not build the app: its last lines above say why."),
]
GRADLE_ERRORS = [
    ("   > Could not GET 'https://repo.example/a.pom'.", "https://repo.example/a.pom cannot be reached from the build"),
    ("> Could not find com.example:nothing:9.", "The build asks for com.example:nothing:9, which the repositories do not have"),
    ("/app/src/main/java/Main.java:3: error: ';' expected", "src/main/java/Main.java:3: ';' expected"),
    ("e: file:///app/src/main/kotlin/Main.kt:5:9 Unresolved reference", "src/main/kotlin/Main.kt:5: Unresolved reference"),
    ("BUG! exception in phase x: Unsupported class file major version 65", "Gradle 7.6 does not run on Java 21: raise it"),
    ("Task 'stage' not found in root project 'demo'.", "Task 'stage' not found in root project 'demo'. Set the config var GRADLE_TASK"),
    ("Build file '/app/build.gradle' line: 12", "build.gradle:12: Gradle's words above"),
    ("Execution failed for task ':bootJar'.", "Execution failed for task ':bootJar': Gradle's words above say why."),
]


@pytest.mark.parametrize("tool,words,sentence", [("maven", *e) for e in MAVEN_ERRORS] + [("gradle", *e) for e in GRADLE_ERRORS])
def test_why_it_failed(tmp_path, tool, words, sentence):
    (tmp_path / "log").write_text(words + "\n")
    done = sh(f'java=21 gradle_version=7.6; source "{PACK}/tool.sh"; source "{PACK}/{tool}.sh"; explain_{tool} "{tmp_path}/log"')
    assert done.returncode == 1 and done.stderr.startswith(f" !     {sentence}"), done.stderr
    assert "pw@" not in done.stderr


def test_a_distribution_is_checked_and_a_mirror_named(tmp_path):
    script = f'cache_dir="{tmp_path}/cache" SCRATCH="{tmp_path}" mirror_variable=TWELVE_GRADLE_MIRROR; source "{PACK}/tool.sh"; '
    done = sh(script + 'fetch_tool gradle-dist https://127.0.0.1:9/gradle-8.5-bin.zip "" here')
    assert done.returncode == 1 and "here names https://127.0.0.1:9/gradle-8.5-bin.zip, which cannot be fetched (" in done.stderr and "TWELVE_GRADLE_MIRROR" in done.stderr
    jar(tmp_path / "gradle-8.5-bin.zip")
    done = sh(script + f'fetch_tool gradle-dist file://{tmp_path}/gradle-8.5-bin.zip {"0" * 64} here')
    assert done.returncode == 1 and "its checksum is another" in done.stderr


@pytest.mark.parametrize("build,tasks", [
    ("plugins { id 'java' }\n", "build -x check"),
    ("plugins {\n    id 'application'\n}\n", "build -x check installDist"),
    ("plugins {\n    application\n}\n", "build -x check installDist"),
    ("task stage(dependsOn: ['build'])\n", "stage"),
    ("tasks.register('stage') { dependsOn 'installDist' }\n", "stage"),
])
def test_what_gradle_does(tmp_path, build, tasks):
    tree(tmp_path, {"build.gradle": build})
    assert sh(f'source "{PACK}/gradle.sh"; cd "{tmp_path}"; choose_tasks; echo "${{tasks[*]}}"').stdout.strip() == tasks
    assert sh(f'source "{PACK}/gradle.sh"; cd "{tmp_path}"; choose_tasks; echo "${{tasks[*]}}"', GRADLE_TASK="a b").stdout.strip() == "a b"


def test_proxies_as_the_jvm_has_them():
    done = sh(f'source "{PACK}/tool.sh"; provide_proxies; printf "%s\\n" "${{proxies[@]}}"', https_proxy="http://me:p%40w@proxy.example:3128", no_proxy="localhost,.example.com")
    assert done.stdout.splitlines() == ["-Dhttps.proxyHost=proxy.example", "-Dhttps.proxyPort=3128", "-Dhttps.proxyUser=me", "-Dhttps.proxyPassword=p@w",
                                        "-Djdk.http.auth.tunneling.disabledSchemes=", "-Dhttp.nonProxyHosts=localhost|*.example.com"]


def test_a_gradlew_without_its_properties_is_named(tmp_path):
    done = run("java", "check", tree(tmp_path, {"build.gradle": "", "gradlew": ""}))
    assert done.returncode == 1 and "gradlew is there, but gradle/wrapper/gradle-wrapper.properties" in done.stdout
