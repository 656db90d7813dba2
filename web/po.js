/* SPDX-License-Identifier: MIT */
/* English: the texts are as they stand. Cockpit takes po.fr.js or po.de.js where there is one for the reader. */
