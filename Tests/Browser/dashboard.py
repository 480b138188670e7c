#!/usr/bin/env python3
"""The dashboard in a browser: scripts/try-dashboard starts it beside a running box.

Speaks the DevTools protocol with a headless Chromium over its pipe; needs nothing but Python's standard library. Every check that
fails is told; the exit status is 1 then.
"""

import argparse
import base64
import json
import os
import select
import signal
import subprocess
import sys
import time


class Browser:
    """One Chromium with one page."""

    def __init__(self, program, profile):
        # Its protocol goes by the descriptors 3 and 4, messages end with a zero byte.
        read_in, self.write = os.pipe()
        self.read, write_out = os.pipe()

        def arrange():
            spare_in, spare_out = os.dup(read_in), os.dup(write_out)
            os.dup2(spare_in, 3)
            os.dup2(spare_out, 4)

        self.process = subprocess.Popen(
            [
                program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                "--user-data-dir=" + profile, "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--hide-scrollbars", "--window-size=1000,1400", "about:blank",
            ],
            preexec_fn=arrange, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(read_in)
        os.close(write_out)
        self.waiting, self.number, self.session, self.events = b"", 0, None, []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network", "DOM", "Audits", "Accessibility"]:
            self.call(domain + ".enable")

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def message(self, limit):
        while b"\0" not in self.waiting:
            if not select.select([self.read], [], [], max(0, limit - time.monotonic()))[0]:
                return None
            part = os.read(self.read, 1 << 20)
            if not part:
                raise RuntimeError("the browser is gone")
            self.waiting += part
        text, self.waiting = self.waiting.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write, json.dumps(request).encode() + b"\0")
        limit = time.monotonic() + 60
        while True:
            message = self.message(limit)
            if message is None:
                raise RuntimeError(method + " was not answered")
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(method + ": " + json.dumps(message["error"]))
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def listen(self, seconds):
        limit = time.monotonic() + seconds
        while (message := self.message(limit)) is not None:
            if "method" in message:
                self.events.append(message)

    def go(self, url):
        before = len(self.events)
        self.call("Page.navigate", url=url)
        limit = time.monotonic() + 30
        while not any(event["method"] == "Page.loadEventFired" for event in self.events[before:]):
            self.listen(0.1)
            if time.monotonic() > limit:
                raise RuntimeError(url + " did not load")

    def value(self, script, bound=False):
        """What a script gives. The protocol's own scripts may do what the page's may not, unless they are bound by its policy."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True,
                           allowUnsafeEvalBlockedByCSP=not bound)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def eventually(self, script, seconds=20):
        limit = time.monotonic() + seconds
        while not (value := self.value(script)) and time.monotonic() < limit:
            self.listen(0.2)
        return value

    def key(self, name, code, text=""):
        for kind in ["keyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                      **({"text": text} if text and kind == "keyDown" else {}))

    def type(self, text):
        self.call("Input.insertText", text=text)

    def picture(self, path, **clip):
        extra = {"clip": {**clip, "scale": 1}, "captureBeyondViewport": True} if clip else {}
        data = self.call("Page.captureScreenshot", format="png", **extra)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def complaints(self):
        """What the browser has to complain of: messages of the console, exceptions, violations of the policy, failed requests."""
        found = []
        for event in self.events:
            method, what = event["method"], event["params"]
            if method == "Runtime.consoleAPICalled":
                found.append(json.dumps(what["args"]))
            elif method == "Runtime.exceptionThrown":
                found.append(json.dumps(what["exceptionDetails"]))
            elif method == "Log.entryAdded":
                found.append(what["entry"]["text"])
            elif method == "Audits.issueAdded":
                found.append(json.dumps(what["issue"]))
            elif method == "Network.responseReceived" and what["response"]["status"] >= 400:
                found.append(what["response"]["url"] + " %d" % what["response"]["status"])
        self.events.clear()
        return found

    def addresses(self):
        return [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]


FAILED = []


def check(what, holds, detail=""):
    print(("    ok    " if holds else "    WRONG ") + what + ("" if holds else ": %s" % (detail,)), flush=True)
    if not holds:
        FAILED.append(what)


CONTRAST = """(() => {
  const light = (text) => {
    const parts = text.match(/[0-9.]+/g).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  let least = 99, where = "";
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.closest("svg")) continue;
    let behind = element, ground = "";
    while (behind && !ground) {
      const colour = getComputedStyle(behind).backgroundColor;
      if (!/, 0\\)$/.test(colour)) ground = colour;
      behind = behind.parentElement;
    }
    const [a, b] = [light(getComputedStyle(element).color), light(ground || "rgb(255,255,255)")];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least) [least, where] = [ratio, element.tagName + " " + element.className];
  }
  return [least, where];
})()"""


def scheme(browser, name):
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])


def loaded(browser, url, texts):
    browser.go(url)
    check("the script runs", browser.eventually("document.getElementById('live').textContent === 'live'"))
    text = browser.value("document.body.innerText")
    for part in texts:
        check("the page says " + part, part in text, text)
    check("the curves are there", browser.eventually("document.querySelectorAll('#history polyline').length >= 4", 60))
    check("the graph is there", browser.value("document.querySelectorAll('#graph circle').length") >= 3)


def live(browser, work):
    """Numbers change without the page being loaded again."""
    browser.value("window.mark = 1")
    shown = "document.getElementById('overview').innerText + document.getElementById('rules').innerText"
    before = browser.value(shown)
    subprocess.run(work, shell=True, check=False, stdout=subprocess.DEVNULL)
    check("numbers are live", browser.eventually("(%s) !== %s" % (shown, json.dumps(before))))
    check("the page was not loaded again", browser.value("window.mark === 1"))


def hostile(browser):
    words = browser.value("document.getElementById('rules').innerText")
    check("a rule's comment is shown as text", "<script>alert(1)</script>" in words, words)
    check("what turns the direction is shown by its number", "\u27e8U+202E\u27e9" in words, words)
    check("no such character is on the page", not browser.value("/[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.documentElement.outerHTML)"))
    check("there is one script", browser.value("document.scripts.length === 1 && document.scripts[0].getAttribute('src') === '/page.js'"))
    check("it stands in a bdi", browser.value("[...document.querySelectorAll('#rules bdi')].some((x) => x.textContent.includes('alert(1)'))"))


def form(browser, asks):
    for who, what, expected in asks:
        browser.value("document.getElementById('ask-from').value = ''; document.getElementById('ask-to').value = '';"
                      "document.getElementById('ask-from').focus()")
        browser.type(who)
        browser.key("Tab", 9)
        browser.type(what)
        browser.key("Enter", 13, "\r")
        answer = "document.getElementById('answer').innerText"
        found = browser.eventually("%s.includes(%s)" % (answer, json.dumps(expected)))
        check("asked by keyboard, %s to %s: %s" % (who, what, expected), found, browser.value(answer))
    check("the page has stayed", browser.value("location.pathname") == "/" and browser.value("window.mark === 1"))


def keyboard(browser):
    browser.value("document.activeElement.blur(); window.scrollTo(0, 0)")
    browser.call("Page.bringToFront")
    browser.value("document.body.setAttribute('tabindex', '-1'); document.body.focus(); document.body.removeAttribute('tabindex')")
    seen = []
    for _ in range(40):
        browser.key("Tab", 9)
        seen.append(browser.value(
            "(() => { const e = document.activeElement; return e.id || e.getAttribute('aria-label') || e.textContent.slice(0, 30) })()"))
    for stop in ["Skip to the content", "Peers", "The last hour", "ask-way", "ask-from", "ask-to", "ask-at", "Ask", "Drops"]:
        check("Tab comes to " + stop, stop in seen, seen)


def reader(browser):
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = {}
    for node in nodes:
        if node.get("ignored"):
            continue
        roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    check("a reader finds tables", len(roles.get("table", [])) >= 5, {key: len(value) for key, value in roles.items()})
    check("and heads of their rows and columns", "rowheader" in roles and "columnheader" in roles, roles.keys())
    heads = roles.get("heading", [])
    for title in ["What is up", "Warnings", "Peers", "The last hour", "Firewall", "Routes", "Drops", "Recent events"]:
        check("a reader finds the heading " + title, title in heads, heads)
    images = roles.get("image", []) + roles.get("img", [])
    check("the graph has a text", any("neighbour" in name for name in images), images)
    check("fields have labels", all(name for name in roles.get("textbox", []) + roles.get("combobox", [])), roles.get("textbox"))
    check("there are landmarks", "main" in roles and "navigation" in roles, list(roles))


def phone(browser, path):
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
    browser.listen(0.5)
    wide = browser.value("document.documentElement.scrollWidth")
    check("a phone needs no sideways scrolling", wide <= 360, wide)
    small = browser.value("[...document.querySelectorAll('button, input, select')].filter((e) => e.getBoundingClientRect().height < 40).length")
    check("what is touched is large enough", small == 0, small)
    browser.picture(path)
    browser.call("Emulation.clearDeviceMetricsOverride")


def without_script(browser, url):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    for address, texts in [
        (url + "/", ["<table>", "What it means", "Would this be allowed?", "http-equiv=\"refresh\""]),
        (url + "/allowed?from=relay&to=tcp%2F22&at=&way=in", ["<strong>deny</strong>", "<table>"]),
        (url + "/allowed?from=%3Cscript%3Ealert(1)%3C%2Fscript%3E%E2%80%AE&to=ssh", ["&lt;script&gt;", "U+202E"]),
    ]:
        browser.go(address)
        root = browser.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        text = browser.call("DOM.getOuterHTML", nodeId=root)["outerHTML"]
        for part in texts:
            check("without the script: " + part, part in text, text[:2000])
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def policy(browser, url):
    """What a page of somebody else's words would do if it could."""
    browser.go(url + "/")
    browser.value("""(() => {
      const script = document.createElement("script");
      script.textContent = "window.stolen = 1";
      document.body.append(script);
      const style = document.createElement("style");
      style.textContent = "body { display: none }";
      document.head.append(style);
      const handler = document.createElement("div");
      handler.innerHTML = "<img src='/none' onerror='window.stolen = 2'>";
      document.body.append(handler);
    })()""")
    browser.listen(1)
    check("scripts within the page do not run", browser.value("window.stolen === undefined"))
    check("styles within the page do not count", browser.value("getComputedStyle(document.body).display !== 'none'"))
    check("eval is refused", browser.value("(() => { try { eval('1'); return false } catch { return true } })()", bound=True))
    check("nothing goes elsewhere", browser.value(
        "fetch('http://127.0.0.1:9/', {mode: 'no-cors'}).then(() => false, () => true)"))
    check("no frame is loaded", browser.value("""new Promise((done) => {
      const frame = document.createElement("iframe");
      frame.src = "/";
      document.addEventListener("securitypolicyviolation", () => done(true));
      document.body.append(frame);
      setTimeout(() => done(false), 2000);
    })"""))
    browser.complaints()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--browser", default="chromium")
    parser.add_argument("--profile", required=True)
    parser.add_argument("--pictures", required=True)
    parser.add_argument("--traffic", required=True, help="a command that sends something through the portal")
    parser.add_argument("--stop", required=True, help="a command that ends the daemon")
    parser.add_argument("--say", action="append", default=[], help="a text that the page is to have")
    options = parser.parse_args()
    url = options.url.rstrip("/")
    browser = Browser(options.browser, options.profile)
    try:
        scheme(browser, "light")
        loaded(browser, url + "/", options.say)
        live(browser, options.traffic)
        hostile(browser)
        form(browser, [
            ("bob", "tcp/22", "allow by rule 0"), ("relay", "tcp/22", "deny by the default"), ("nobody", "tcp/22", "nobody"),
            ("<script>alert(1)</script>", "ssh", "<script>alert(1)</script>"),
        ])
        keyboard(browser)
        reader(browser)
        for name in ["light", "dark"]:
            scheme(browser, name)
            browser.listen(0.5)
            least, where = browser.value(CONTRAST)
            check("%s: contrast of texts is at least 4.5" % name, least >= 4.5, (least, where))
            browser.value("document.activeElement.blur(); window.scrollTo(0, 0)")
            browser.call("Emulation.setDeviceMetricsOverride", width=1000, height=1240, deviceScaleFactor=1, mobile=False)
            browser.listen(0.5)
            browser.picture(os.path.join(options.pictures, "dashboard-%s.png" % name))
            high = browser.value("document.documentElement.scrollHeight")
            browser.picture(os.path.join(options.pictures, "whole-%s.png" % name), x=0, y=0, width=1000, height=high)
            browser.call("Emulation.clearDeviceMetricsOverride")
        ground = browser.value("getComputedStyle(document.body).backgroundColor")
        check("in the dark it is dark", ground == "rgb(18, 21, 26)", ground)
        phone(browser, os.path.join(options.pictures, "phone.png"))
        addresses = [address for address in browser.addresses() if not address.startswith(url + "/")]
        check("nothing is asked of anybody else", not addresses, addresses)
        without_script(browser, url)
        complaints = browser.complaints()
        check("the console is silent", not complaints, complaints)
        policy(browser, url)
        browser.go(url + "/")
        browser.eventually("document.getElementById('live').textContent === 'live'")
        subprocess.run(options.stop, shell=True, check=False)
        check("a daemon that is gone is told", browser.eventually(
            "document.getElementById('live').textContent.includes('does not answer')", 30))
    finally:
        browser.close()
    print("    %s" % ("all passed" if not FAILED else "%d failed" % len(FAILED)))
    sys.exit(1 if FAILED else 0)


main()
