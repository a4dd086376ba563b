// Gives each value of a transfer a button that copies it. Without this script one click selects a value whole.
"use strict";
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
