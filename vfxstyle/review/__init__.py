"""What a person looks at: contact sheets, reports, and the review page."""
