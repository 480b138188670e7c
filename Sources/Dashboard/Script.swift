/// `GET /page.js`. It never parses HTML: it makes elements and texts from what `Node.json` says.
package enum Script {
    package static let text = #"""
        "use strict";
        (() => {
          const svg = "http://www.w3.org/2000/svg";
          const shown = new Map();
          const live = document.getElementById("live");

          // A text, or ["td", {"class": "x"}, child, ...].
          function make(node, space) {
            if (typeof node === "string") return document.createTextNode(node);
            const [name, attributes, ...children] = node;
            const inside = name === "svg" ? svg : space;
            const element = inside ? document.createElementNS(inside, name) : document.createElement(name);
            for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
            for (const child of children) element.append(make(child, inside));
            return element;
          }

          // What is as it was stays: nothing jumps, and a screen reader is not disturbed.
          function show(parts) {
            for (const [id, nodes] of Object.entries(parts)) {
              const text = JSON.stringify(nodes);
              const place = document.getElementById(id);
              if (!place || shown.get(id) === text) continue;
              shown.set(id, text);
              place.replaceChildren(...nodes.map((node) => make(node, null)));
            }
          }

          function say(text, isLost) {
            if (live.textContent === text) return;
            live.textContent = text;
            live.className = isLost ? "lost" : "";
          }

          async function get(path) {
            const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(8000) });
            if (!answer.ok) throw new Error(String(answer.status));
            return answer.json();
          }

          // One question at a time; none while nobody looks.
          function poll(path, pause, isMain) {
            async function round() {
              if (!document.hidden) {
                try {
                  show(await get(path));
                  if (isMain) say("live", false);
                } catch (error) {
                  if (isMain) say("The daemon does not answer: what you see is old.", true);
                }
              }
              setTimeout(round, pause);
            }
            round();
          }

          const form = document.getElementById("ask");
          form.addEventListener("submit", async (event) => {
            event.preventDefault();
            const place = document.getElementById("answer");
            shown.delete("answer");
            try {
              show(await get("/allowed.json?" + new URLSearchParams(new FormData(form))));
            } catch (error) {
              place.replaceChildren(make(["p", { "class": "bad" }, "The daemon does not answer."], null));
            }
          });

          poll("/data.json", 2000, true);
          poll("/history.json", 10000, false);
        })();
        """#
}

/// `GET /icon.svg`.
package enum Icon {
    package static let text = #"""
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><g fill="none" stroke="#0b5394" stroke-width="3"><path d="M16 16 6 7M16 16l10-9M16 16v11"/><circle cx="6" cy="7" r="3" fill="#fff"/><circle cx="26" cy="7" r="3" fill="#fff"/><circle cx="16" cy="27" r="3" fill="#fff"/><circle cx="16" cy="16" r="4" fill="#0b5394"/></g></svg>
        """#
}
