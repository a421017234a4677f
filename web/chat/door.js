// door.js - coming in without an account: by a name; or with one, which the page asks for.
import { button, element, field } from "../core/dom.js";
import { remember, remembered } from "./kept.js";
import { sentence } from "./words.js";

export class Door {
	// enter(name): as a guest; again(): as whom the page knows; login(): with an account.
	constructor({ enter, again, login, has_accounts }) {
		this.name = element("input", { name: "name", autocomplete: "nickname", autocapitalize: "none",
			spellcheck: false, maxLength: 64, required: true });
		this.why = element("p", { className: "complaint", role: "alert", hidden: true });
		this.again = button("", { className: "main", onclick: again });
		this.guests = element("form", { ariaLabel: "Come in as a guest" },
			field("Your name", this.name, "Others see it, with the word “guest” beside it."),
			element("button", { className: "main" }, "Come in"));
		this.guests.addEventListener("submit", (event) => {
			event.preventDefault();
			const name = this.name.value.trim();
			remember("name", name);
			enter(name);
		});
		this.or = element("div", { className: "or" },
			element("p", {}, "You have an account here?"),
			button("Log in", { icon: "key", onclick: login }));
		this.root = element("div", { className: "door", hidden: true },
			element("h1", {}, "Chat"),
			element("p", { className: "soft" },
				"Talk with everybody who is here: by this page, a terminal, or bare UDP."),
			this.why, this.again, this.guests, has_accounts && this.or);
	}

	// me: whom the page knows, or null.
	show(why, me) {
		this.why.textContent = sentence(why);
		this.why.hidden = !why;
		this.again.lastElementChild.textContent = me ? `Come in as ${me.name}` : "";
		this.again.hidden = !me;
		this.guests.hidden = this.or.hidden = Boolean(me);
		this.name.value ||= remembered("name", "");
	}

	focus() {
		(this.again.hidden ? this.name : this.again).focus();
	}
}
