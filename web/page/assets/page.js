"use strict";

// Gives each value of a transfer a button that copies it. Without this script one click selects a value whole.
for (const list of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
	for (const row of list.querySelectorAll(".copy")) {
		const button = document.createElement("button");
		const word = document.createElement("span");
		const name = document.createElement("span");
		button.type = "button";
		button.className = "btn btn--sm";
		word.setAttribute("role", "status");
		word.textContent = list.dataset.copy;
		name.className = "vh";
		name.textContent = " " + row.querySelector("dt").textContent;
		button.append(word, name);
		button.addEventListener("click", async () => {
			await navigator.clipboard.writeText(row.dataset.value);
			word.textContent = list.dataset.copied;
			setTimeout(() => { word.textContent = list.dataset.copy; }, 4000);
		});
		const cell = document.createElement("dd");
		cell.className = "act";
		cell.append(button);
		row.append(cell);
	}
}

// Reads a part of the page that waits for something again, first after two seconds, then ever less often, and shows
// what has changed. The part is a live region, so it is read aloud. Without this script its own link looks again.
const part = document.querySelector("[data-again]");
let pause = 2000;
let timer;

function look() {
	clearTimeout(timer);
	timer = setTimeout(async () => {
		pause = Math.min(pause * 1.25, 20000);
		if (document.hidden || await changed()) return; // a page that nobody sees asks nothing
		look();
	}, pause);
}

// changed shows the part as it is now, and says whether the wait is over.
async function changed() {
	try {
		const answer = await fetch(location.href, {credentials: "same-origin", redirect: "error"});
		if (!answer.ok) return false;
		const page = new DOMParser().parseFromString(await answer.text(), "text/html");
		const fresh = page.querySelector("[data-live]");
		if (!fresh || fresh.hasAttribute("data-again")) return false;
		const inside = part.contains(document.activeElement);
		part.replaceChildren(...fresh.childNodes);
		part.removeAttribute("data-again");
		document.title = page.title;
		if (inside) {
			const head = part.querySelector("h1");
			head.tabIndex = -1;
			head.focus();
		}
		return true;
	} catch {
		return false; // no line just now
	}
}

if (part) {
	for (const word of part.querySelectorAll("[data-script]")) word.hidden = false;
	document.addEventListener("visibilitychange", () => {
		if (!document.hidden && part.hasAttribute("data-again")) look();
	});
	look();
}
